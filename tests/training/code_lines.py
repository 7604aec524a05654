"""2,000 lines of code in ten languages, the same on every machine with the same packages.

Of six languages there are files to read: what is installed wherever these tests run, and the project's own examples.
Of the other four there is the sample. Where there are fewer than 200 lines, they come again with other names, numbers
and indentation.
"""

from __future__ import annotations

import random
import re
from functools import cache

from midfill_training.export.sample_code import sample_lines
from training.sources import sources

N_LINES = 2000
PARTS = (
    *("read", "Write", "http", "XML", "node", "user", "Index", "max", "is", "to", "Größe", "数", "cache", "Buffer"),
    *("parse", "tmp", "ID", "v2", "x", "i", "Async", "handler", "_private", "count", "элемент", "str", "json"),
)


@cache
def code_lines() -> tuple[str, ...]:
    """The languages in turn; no line is empty."""
    rng = random.Random(0)
    n_each = N_LINES // len(sample_lines())
    by_language = [_lines(language, n_each, rng) for language in sample_lines()]
    return tuple(line for lines in zip(*by_language, strict=True) for line in lines)


def _lines(language: str, n_lines: int, rng: random.Random) -> list[str]:
    texts = sources().get(language, ("\n".join(sample_lines()[language]),))
    lines = sorted({line for text in texts for line in text.split("\n") if line.strip()})
    real = rng.sample(lines, min(n_lines, len(lines)))
    return real + [_varied(rng.choice(lines), rng) for _ in range(n_lines - len(real))]


def _varied(line: str, rng: random.Random) -> str:
    line = re.sub(r"[^\W\d]\w{3,}", lambda word: word[0] if rng.random() < 0.5 else _name(rng), line)
    line = re.sub(r"\d+", lambda _: str(rng.randrange(10 ** rng.randrange(1, 12))), line)
    return rng.choice(("", "    ", "\t", "\t\t", "        ", "            ", "  ")) + line.lstrip()


def _name(rng: random.Random) -> str:
    return rng.choice(("", "_")).join(rng.choices(PARTS, k=rng.randrange(1, 4)))
