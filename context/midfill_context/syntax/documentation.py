"""The head of a definition's documentation: the first paragraph of its docstring, or of the comment above it."""

from __future__ import annotations

import re

from midfill_context.languages import language
from midfill_context.syntax.source import Source

MAX_DOC_CHARS = 240
MAX_COMMENT_LINES = 40
_QUOTES = re.compile(r"""^[rRbBuUfF]{0,2}("{3}|'{3}|["'])(.*?)\1?$""", re.DOTALL)
_MARKERS = re.compile(r"^\s*(/\*+!?|\*+/|\*|//[/!]?|#+|--+(\[=*\[)?)?\s?|\s*\*+/\s*$")
_PARAGRAPH = re.compile(r"\n\s*\n|\n\s*(@\w|:\w+.*:|<p>|Args:|Parameters\b|Example)")
_TAG = re.compile(r"</?(?:summary|para?|c|code|see|b|i|em|p|pre)\b[^>]*>")
# Attributes and annotations stand between a comment and what it documents.
_ATTRIBUTES = (b"#[", b"@", b"[")
_STATEMENT_ENDS = (b";", b"}", b",")


def doc_head(text: str) -> str:
    """The first paragraph without quotes and comment markers, its lines joined."""
    if not text:
        return ""
    quoted = _QUOTES.match(text)
    plain = quoted[2] if quoted else "\n".join(_MARKERS.sub("", line) for line in text.split("\n"))
    paragraph = _PARAGRAPH.split(plain.strip(), maxsplit=1)[0]
    return " ".join(_TAG.sub("", paragraph).split())[:MAX_DOC_CHARS]


def comment_above(source: Source, line: int) -> str:
    """The comment that ends right above a line, which counts from 1; empty where there is none."""
    lines, mark = source.lines, source.comment_mark.encode()
    last = line - 2
    while last >= 0 and _is_attribute(lines[last].strip(), mark):
        last -= 1
    if last < 0:
        return ""
    stop = max(-1, last - MAX_COMMENT_LINES)
    row = language(source.language)
    if row and row.block_comment and lines[last].rstrip().endswith(row.block_comment[1].encode()):
        begin = row.block_comment[0].encode()
        first = next((i for i in range(last, stop, -1) if begin in lines[i]), last + 1)
    else:
        first = last + 1
        while first - 1 > stop and lines[first - 1].lstrip().startswith(mark):
            first -= 1
    return b"\n".join(lines[first : last + 1]).decode(errors="replace")


def _is_attribute(line: bytes, mark: bytes) -> bool:
    return line.startswith(_ATTRIBUTES) and not line.startswith(mark) and not line.endswith(_STATEMENT_ENDS)
