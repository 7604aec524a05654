"""Ends a completion by its lines alone: for languages without a grammar, and to compare with.

Brackets are counted as characters; what stands in strings and comments is counted too, which errs towards ending early.
"""

from __future__ import annotations

from dataclasses import dataclass

from midfill_context.cursor import Cursor
from midfill_model.ending.brackets import OPENERS, n_open, unopened_closer
from midfill_model.ending.ended import Ended
from midfill_model.ending.finishing import lines_below
from midfill_model.engine import StopReason


@dataclass(frozen=True)
class LineEnding:
    """Ends after one line of code.

    At the end of a line the completion may begin with line ends and indentation: its line is the first that has text.
    In the middle of a line it never leaves it.
    """

    head_of_line: str
    rest_of_line: str
    next_line: str
    needs_nothing: bool = False

    def cut(self, text: str) -> Ended | None:
        """See `TextEnding.cut`."""
        if self.rest_of_line:
            if self.rest_of_line[0] in OPENERS:
                at = unopened_closer(text, self.rest_of_line[0])
                if at is not None:
                    return Ended(text[:at], StopReason.SUFFIX)
            line_end = text.find("\n")
        else:
            line_end = text.find("\n", len(text) - len(text.lstrip()))
        return None if line_end < 0 else self.finish(text[:line_end], StopReason.LINE)

    def finish(self, text: str, reason: StopReason) -> Ended:
        """What repeats the text after the cursor goes."""
        if self.rest_of_line and text.rstrip().endswith(self.rest_of_line):
            kept = text.rstrip()[: -len(self.rest_of_line)]
            if self.rest_of_line[0] not in OPENERS or not n_open(kept):  # else it closes what `kept` has opened
                return Ended(kept, StopReason.SUFFIX)
        line = (self.head_of_line + text).rpartition("\n")[2].rstrip()
        if line and line == self.next_line and not self.rest_of_line:
            return Ended("", StopReason.SUFFIX)
        return Ended(text, reason)


@dataclass(frozen=True)
class RawEnding:
    """Ends where the model ends, and leaves what it wrote as it is."""

    needs_nothing: bool = False

    def cut(self, text: str) -> None:
        """Never."""

    def finish(self, text: str, reason: StopReason) -> Ended:
        """All of it."""
        return Ended(text, reason)


def line_ending(cursor: Cursor) -> LineEnding:
    """The ending for a place in a file."""
    rest, _, below = cursor.suffix.partition("\n")
    return LineEnding(cursor.prefix.rpartition("\n")[2], rest.strip(), next(iter(lines_below(below)), ""))
