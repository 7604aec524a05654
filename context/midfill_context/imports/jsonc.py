"""JSON as configuration files have it: with comments, trailing commas and byte order marks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


def parse_object(text: str) -> Mapping[str, object]:
    """The object that a text holds; empty for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        plain = _COMMENT.sub(lambda found: found[1] or " ", text.removeprefix("\ufeff"))
        try:
            value = json.loads(_TRAILING_COMMA.sub(lambda found: found[1] or "", plain))
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
