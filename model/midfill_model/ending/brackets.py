"""Brackets and quotes as characters: for places where no syntax tree tells, because the text is not whole yet."""

from __future__ import annotations

import re

PAIRS = {"(": ")", "[": "]", "{": "}"}
OPENERS = {closer: opener for opener, closer in PAIRS.items()}
QUOTES = "\"'`"
CLOSING = "".join(OPENERS) + QUOTES + ";"
_MAX_BACK = 4000
_TOKEN = re.compile(
    rb"""\"{3}.*?(?:\"{3}|$)|'{3}.*?(?:'{3}|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'|[()\[\]{}]""", re.DOTALL
)


def unopened_closer(text: str, closer: str) -> int | None:
    """Where `text` closes a bracket that it did not open, if it does so with `closer`; None if nowhere."""
    depth = 0
    for at, character in enumerate(text):
        if character in PAIRS:
            depth += 1
        elif character in OPENERS:
            if depth == 0:
                return at if character == closer else None
            depth -= 1
    return None


def n_open(text: str) -> int:
    """How many brackets `text` opens and leaves open."""
    depth = 0
    for character in text:
        if character in PAIRS:
            depth += 1
        elif character in OPENERS:
            depth = max(depth - 1, 0)
    return depth


def closers_of(prefix: bytes) -> list[str]:
    """What would close what stands open at the end of `prefix`, innermost first. A guess: it knows no comments."""
    tail = prefix[-_MAX_BACK:]
    open_: list[str] = []
    for found in _TOKEN.finditer(tail):
        token = found[0].decode(errors="replace")
        if token in PAIRS:
            open_.append(PAIRS[token])
        elif token in OPENERS:
            if open_ and open_[-1] == token:
                open_.pop()
        elif found.end() == len(tail):
            quote = token[:3] if token[:3] in ('"""', "'''") else token[0]
            if len(token) < 2 * len(quote) or not token.endswith(quote):
                open_.append(quote)
    return open_[::-1]
