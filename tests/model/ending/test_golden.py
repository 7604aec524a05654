"""Where completions end by structure, as data: `golden/<language>.toml`.

A case is a file with `‸` where the cursor is, what the model writes, and what is left of it. `text` is the end of the
completion, `reason` why it ended there, `kind` the kind of the place, `n_replaced` how much of the line it replaces.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from midfill_context.cursor import Cursor
from midfill_model.ending.ended import Ended
from midfill_model.ending.place import Kind
from midfill_model.ending.structure import StructureEnding
from midfill_model.engine import StopReason

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "golden"
TOKEN = re.compile(r"\n[ \t]*| ?\w+|\s|[^\w\s]")
CASES = {
    f"{file.stem}-{name}": (file.stem, case)
    for file in sorted(FOLDER.glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
CUTS: dict[str, Callable[[str], list[str]]] = {
    "tokens": TOKEN.findall,
    "characters": list,
    "one piece": lambda text: [text],
}


def ending_at(language: str, place: str) -> StructureEnding:
    prefix, mark, suffix = place.partition("‸")
    assert mark
    return StructureEnding(Cursor("", language, prefix, suffix))


def fed(ending: StructureEnding, pieces: list[str], reason: StopReason) -> Ended:
    """As decoding does it: all the text so far, after every token, until it ends."""
    if ending.needs_nothing:
        return Ended("", StopReason.NOTHING_NEEDED)
    text = ""
    for piece in pieces:
        text += piece
        ended = ending.cut(text)
        if ended is not None:
            return ended
    return ending.finish(text, reason)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("language", "case"), CASES.values(), ids=CASES)
def test_ends(language: str, case: dict[str, Any], cut: str) -> None:
    """However the text is cut into tokens."""
    ending = ending_at(language, case["place"])
    reason = StopReason.MAX_TOKENS if case.get("is_cut_short") else StopReason.END_OF_TEXT
    ended = fed(ending, CUTS[cut](case["written"]), reason)
    assert (ended.text, ended.stop_reason.value) == (case["text"], case["reason"])
    assert ended.n_replaced == case.get("n_replaced", 0)
    assert ending.kind is Kind(case.get("kind", ending.kind))
