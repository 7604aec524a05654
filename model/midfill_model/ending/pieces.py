"""The pieces of a text that a completion may be cut to, from the longest to the shortest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from midfill_model.ending.brackets import OPENERS, PAIRS

MAX_LINES = 8
MAX_WORDS = 8
_TOKEN = re.compile(r"\w+|[^\w\s]")


def shorter_pieces(text: str) -> Iterator[str]:
    """Up to the end of each line but the last, then of each word of the first one that no bracket holds."""
    lines = text.split("\n")
    first = next((at for at, line in enumerate(lines, 1) if line.strip()), 0)
    for n_lines in islice(range(len(lines) - 1, first - 1, -1), MAX_LINES):
        if lines[n_lines - 1].strip():
            yield "\n".join(lines[:n_lines])
    start = len("\n".join(lines[: first - 1])) + (first > 1)
    yield from (text[: start + end] for end in _word_ends(lines[first - 1])[: -1 - MAX_WORDS : -1])


def _word_ends(line: str) -> list[int]:
    """Where words and signs end within a line, with all brackets closed; not behind a bracket too many."""
    depth = 0
    ends = []
    for token in _TOKEN.finditer(line):
        depth += (token[0] in PAIRS) - (token[0] in OPENERS)
        if depth < 0:
            break
        if not depth and token.end() < len(line):
            ends.append(token.end())
    return ends
