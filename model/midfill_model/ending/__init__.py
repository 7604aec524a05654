"""Where a completion ends."""

from __future__ import annotations

from midfill_context.cursor import Cursor
from midfill_context.syntax.grammars import parse
from midfill_model.ending.ended import Ended, TextEnding, if_sure
from midfill_model.ending.finishing import N_LINES_BELOW
from midfill_model.ending.hole import Filled, TooHard, encoded
from midfill_model.ending.judging import count_errors_of
from midfill_model.ending.line import LineEnding, RawEnding, line_ending
from midfill_model.ending.structure import StructureEnding
from midfill_model.engine import CompletionRequest, Ending

__all__ = [
    "N_LINES_BELOW",
    "Ended",
    "LineEnding",
    "RawEnding",
    "TextEnding",
    "adds_syntax_error",
    "ending_of",
    "if_sure",
    "line_ending",
    "needs_nothing",
]


def ending_of(request: CompletionRequest) -> TextEnding:
    """The ending that a request asks for."""
    if request.ending is Ending.RAW:
        return RawEnding()
    if request.ending is Ending.STRUCTURE:
        try:
            return StructureEnding(request.cursor)
        except TooHard:
            pass
    return line_ending(request.cursor)


def needs_nothing(cursor: Cursor) -> bool:
    """Whether the code at the cursor is certainly complete, so that no model has to be asked."""
    try:
        return StructureEnding(cursor).needs_nothing
    except TooHard:
        return False


def adds_syntax_error(language: str, prefix: str, completion: str, suffix: str) -> bool:
    """Whether a file has more syntax errors with a completion than without it, both parsed from scratch.

    False for a language without a grammar and for a file that takes too long to parse.
    """
    start = len(encoded(prefix))
    n_errors = []
    for text in ("", completion):
        source = encoded(prefix + text + suffix)
        tree = parse(language, source)
        if tree is None:
            return False
        n_errors.append(count_errors_of(language, Filled(tree, source, start, start + len(encoded(text)))))
    return n_errors[1] > n_errors[0]
