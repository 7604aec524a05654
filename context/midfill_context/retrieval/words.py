"""Identifiers and the terms in them: `readFileSync` and `read_file_sync` have `read`, `file` and `sync` in common."""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"[^\W\d]\w{0,79}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")


@lru_cache(maxsize=1 << 16)
def terms(word: str) -> tuple[str, ...]:
    """The word as a whole, in lower case, and its parts of two letters or more where it has several."""
    whole = word.lower()
    parts = {part.lower() for part in _PART.findall(word)} - {whole}
    return (whole, *sorted(part for part in parts if len(part) > 1)) if len(whole) > 1 else ()
