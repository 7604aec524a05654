"""Repetition: of what follows the cursor, and of the completion by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w")
_MAX_PERIOD_LINES = 4
_MAX_PERIOD_CHARS = 40
_N_ROUNDS = 3
_MIN_LOOP_CHARS = 64
_MIN_RULER_CHARS = 120  # a line of one and the same character


def line_loop(text: str) -> int | None:
    """Where `text` ends with the same lines for the third time: the end of the first time. None if it does not."""
    lines = text.split("\n")
    for period in range(1, _MAX_PERIOD_LINES + 1):
        block = lines[-period:]
        if len("".join(block).strip()) > 1 and lines[-period * _N_ROUNDS :] == block * _N_ROUNDS:
            start = len(lines) - period * (_N_ROUNDS - 1)
            while start >= 2 * period and lines[start - 2 * period : start - period] == block:
                start -= period
            return len("\n".join(lines[:start]))
    return None


def word_loop(text: str) -> int | None:
    """The same for characters within a line, and for more times."""
    line = text.rpartition("\n")[2]
    for period in range(1, _MAX_PERIOD_CHARS + 1):
        unit = line[-period:]
        n_rounds = max((_MIN_RULER_CHARS if period == 1 else _MIN_LOOP_CHARS) // period, _N_ROUNDS)
        if unit.strip() and len(set(unit)) >= min(period, 2) and line.endswith(unit * n_rounds):
            start = len(text) - period * (n_rounds - 1)
            while start >= 2 * period and text[start - 2 * period : start - period] == unit:
                start -= period
            return start
    return None


def repeated_rest(text: str, rest: str) -> int | None:
    """Where the end of `text` becomes the beginning of `rest`, the text after the cursor on its line."""
    for at in range(max(len(text) - len(rest), 0), len(text)):
        if rest.startswith(text[at:]):
            return at
    return None


def repeated_lines(head: str, text: str, below: Sequence[str]) -> int | None:
    """Where the last lines of `text` begin to be the first of the lines below the cursor; blank ones do not count.

    `head` is the line before the cursor. One line counts when it is indented alike; several count however they are
    indented, if there is a word in them.
    """
    lines = text.split("\n")
    start = 0
    for first, line in enumerate(lines):
        if line.strip():
            whole = head + line if first == 0 else line
            ours = [each.rstrip() for each in (whole, *lines[first + 1 :]) if each.strip()]
            if _are_alike(ours, below[: len(ours)]):
                return start
        start += len(line) + 1
    return None


def _are_alike(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    if len(ours) == 1:
        return list(ours) == list(theirs)
    ours = [line.strip() for line in ours]
    return ours == [line.strip() for line in theirs] and any(_WORD.search(line) for line in ours)
