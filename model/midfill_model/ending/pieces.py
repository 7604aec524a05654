"""The pieces of a text that a completion may be cut to, from the longest to the shortest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from midfill_model.ending.brackets import OPENERS, PAIRS

MAX_LINES = 8
MAX_WORDS = 8
_TOKEN = re.compile(r"\w+|[^\w\s]")


def pieces(text: str) -> Iterator[str]:
    """All of it, then up to the end of each line, then of each word of the first line that no bracket holds."""
    yield text
    lines = text.split("\n")
    first = next((at for at, line in enumerate(lines, 1) if line.strip()), 0)
    for n_lines in islice(range(len(lines) - 1, first - 1, -1), MAX_LINES):
        if lines[n_lines - 1].strip():
            yield "\n".join(lines[:n_lines])
    start = len("\n".join(lines[: first - 1])) + (first > 1)
    ends = _word_ends(lines[first - 1])
    yield from (text[: start + end] for end in ends[-2 : -2 - MAX_WORDS : -1])


def _word_ends(line: str) -> list[int]:
    """Where words and signs end at which all brackets are closed; those behind a bracket too many do not count."""
    depth = 0
    ends: list[int] = []
    for token in _TOKEN.finditer(line):
        depth += (token[0] in PAIRS) - (token[0] in OPENERS)
        if depth < 0:
            return [*ends, len(line)]
        if not depth:
            ends.append(token.end())
    return [*ends, len(line)]
