"""A sample of code in ten languages, on which tokenizers are compared. Written for this purpose.

It holds what tells pre-tokenizers apart: runs of digits and of blanks, tabs, contractions in both cases, camel case,
operators in rows, scripts without spaces, emoji, blank lines in rows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

HEADING = "%% "
BLOCK_LINES = 12
# Line ends and blanks that an editor would not keep in the file of the sample.
ODD_TEXTS = (
    "if x:\r\n\treturn 1\r\n\r\n",
    "    \n        \n  x = 1   \n\n\n\n\ty = 22  \t\n",
    "1 12 123 1234 12345 123456 1234567890 3.1415 0x1F ١٢٣ １２３",
    "I'll he'S WE'RE o'clock 'tis ''' \"\"\"doc\"\"\"",
    "a\u00a0b\u3000c\u200bd",
    "{}[]();:,.<>/?!@#$%^&*-+=|\\~`'\"",
    "XMLHttpRequest getHTTPResponseCode snake_case_name SCREAMING_CASE kebab-case",
    "한국어 ไทย हिन्दी العربية 中文字符 ελληνικά",
    "== != === !== <= >= << >> >>> && || ?? ?. => -> :: ++ -- += **= //= ...",
)


@cache
def sample_lines() -> dict[str, tuple[str, ...]]:
    """The lines of the sample by language, without line ends."""
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    sections = text.removeprefix(HEADING).split(f"\n{HEADING}")
    return {lines[0]: tuple(lines[1:]) for lines in (section.split("\n") for section in sections)}


@cache
def sample_texts() -> tuple[str, ...]:
    """What tokenizers are compared on: each line, blocks of lines, and odd texts. None is empty."""
    texts: list[str] = list(ODD_TEXTS)
    for lines in sample_lines().values():
        texts += lines
        texts += ["\n".join(lines[at : at + BLOCK_LINES]) for at in range(0, len(lines), BLOCK_LINES)]
    return tuple(text for text in texts if text)
