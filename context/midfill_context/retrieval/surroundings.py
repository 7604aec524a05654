"""What the text around a cursor says of what comes next: names by their nearness, a receiver, a call being written.

This reads words and brackets, not syntax: the text at a cursor is hardly ever whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from midfill_context.cursor import Cursor

N_LINES_BEFORE = 40
N_LINES_AFTER = 10
_HALF = 8  # lines after which a name counts half
_MAX_CHARS = 8000  # read before and after the cursor
_MAX_BACK = 1000  # characters looked back for the beginning of a call or of a chain
_ACCESS = r"\s*(?:\?\.|\.|->|::)\s*"
_CHAIN = re.compile(r"[^\W\d]\w*(?:(?:\?\.|\.|->|::)[^\W\d]\w*)*")
_SPLIT = re.compile(r"\?\.|\.|->|::")
_ENDS_IN_ACCESS = re.compile(_ACCESS + r"$")
_ENDS_IN_NAME = re.compile(r"[^\W\d]\w*$")
_OPENING = {")": "(", "]": "[", "}": "{"}

Chain = tuple[str, ...]  # `a.b(x).c` is ("a", "b", "c")


@dataclass(frozen=True)
class Surroundings:
    """`typed` is the beginning of a name right before the cursor, `receiver` what stands before its dot, and `callee`
    the innermost call that is still open; these are empty where there is no such thing. `near` are the names around,
    by nearness: 1 on the line of the cursor. `line` counts from 1.
    """

    line: int
    typed: str
    has_receiver: bool
    receiver: Chain
    callee: Chain
    near: Mapping[Chain, float]


def surroundings(cursor: Cursor) -> Surroundings:
    """What a cursor has around it."""
    typed = _match(_ENDS_IN_NAME, cursor.prefix[-80:])
    before = cursor.prefix[: len(cursor.prefix) - len(typed)]
    access = _match(_ENDS_IN_ACCESS, before[-80:])
    has_receiver = bool(access.strip())
    start = len(before) - len(access) if has_receiver else len(before)
    return Surroundings(
        cursor.prefix.count("\n") + 1,
        typed,
        has_receiver,
        chain_before(before[:start]) if has_receiver else (),
        chain_before(before[: _open_call(before)]),
        _near(before, cursor.suffix),
    )


def chain_before(text: str) -> Chain:
    """The names of the expression that a text ends in, without what stands in brackets; empty for anything else."""
    text = text[-_MAX_BACK:]
    end, names = len(text), []
    while True:
        while end and text[end - 1] in _OPENING:
            end = _opening(text, end)
        name = _match(_ENDS_IN_NAME, text[max(0, end - 80) : end])
        if not name:
            return ()
        names.append(name)
        end -= len(name)
        access = _match(_ENDS_IN_ACCESS, text[max(0, end - 80) : end])
        if not access.strip():
            return tuple(reversed(names))
        end -= len(access)


def _match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


def _opening(text: str, end: int) -> int:
    """Where the bracket opens that closes right before `end`; 0 where it does not."""
    depth = 0
    for at in range(end - 1, -1, -1):
        depth += (text[at] in ")]}") - (text[at] in "([{")
        if depth == 0:
            return at
    return 0


def _open_call(text: str) -> int:
    """Where the innermost parenthesis stands that is open at the end of a text; 0 where none is."""
    depth = 0
    for at in range(len(text) - 1, max(-1, len(text) - _MAX_BACK), -1):
        depth += (text[at] in ")]}") - (text[at] in "([{")
        if depth < 0:
            return at if text[at] == "(" else 0
    return 0


def _near(before: str, after: str) -> dict[Chain, float]:
    near: dict[Chain, float] = {}
    for distance, line in _lines_around(before, after):
        nearness = _HALF / (_HALF + distance)
        for written in _CHAIN.findall(line):
            chain = tuple(_SPLIT.split(written))
            near[chain] = max(near.get(chain, 0.0), nearness)
    return near


def _lines_around(before: str, after: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(reversed(before[-_MAX_CHARS:].split("\n")[-N_LINES_BEFORE:]))
    yield from enumerate(after[:_MAX_CHARS].split("\n")[:N_LINES_AFTER])
