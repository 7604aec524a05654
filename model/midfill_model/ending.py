"""Where a completion ends: at the end of its line, or where it meets the text after the cursor.

Fed with all the text so far after every token, so that decoding stops at once. Brackets are counted as characters;
what stands in strings and comments is counted too, which errs towards ending early.
"""

from __future__ import annotations

from dataclasses import dataclass

from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest, Ending, StopReason

N_LINES_BELOW = 20
_CLOSERS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class LineEnding:
    """Ends after one line of code.

    At the end of a line the completion may begin with line ends and indentation: its line is the first that has text.
    In the middle of a line it never leaves it.
    """

    head_of_line: str
    rest_of_line: str
    next_line: str

    def cut(self, text: str) -> tuple[str, StopReason] | None:
        """`text` cut where the completion ends, and why; None while it goes on."""
        if self.rest_of_line:
            at = _unopened_closer(text, self.rest_of_line)
            if at is not None:
                return text[:at], StopReason.SUFFIX
            line_end = text.find("\n")
        else:
            line_end = text.find("\n", len(text) - len(text.lstrip()))
        return None if line_end < 0 else self.finish(text[:line_end], StopReason.LINE)

    def finish(self, text: str, reason: StopReason) -> tuple[str, StopReason]:
        """The last touch for a text that ended: what repeats the text after the cursor goes."""
        if self.rest_of_line and text.rstrip().endswith(self.rest_of_line):
            kept = text.rstrip()[: -len(self.rest_of_line)]
            if self.rest_of_line[0] not in _CLOSERS or not _n_open(kept):  # else it closes what `kept` has opened
                return kept, StopReason.SUFFIX
        line = (self.head_of_line + text).rpartition("\n")[2].rstrip()
        if line and line == self.next_line and not self.rest_of_line:
            return "", StopReason.SUFFIX
        return text, reason


@dataclass(frozen=True)
class RawEnding:
    """Ends where the model ends, and leaves what it wrote as it is."""

    def cut(self, text: str) -> None:
        """Never."""

    def finish(self, text: str, reason: StopReason) -> tuple[str, StopReason]:
        """All of it."""
        return text, reason


def ending_of(request: CompletionRequest) -> LineEnding | RawEnding:
    """The ending that a request asks for."""
    return RawEnding() if request.ending is Ending.RAW else line_ending(request.cursor)


def line_ending(cursor: Cursor) -> LineEnding:
    """The ending for a place in a file."""
    rest, _, below = cursor.suffix.partition("\n")
    next_line = next((line.rstrip() for line in below.split("\n", N_LINES_BELOW)[:N_LINES_BELOW] if line.strip()), "")
    return LineEnding(cursor.prefix.rpartition("\n")[2], rest.strip(), next_line)


def _unopened_closer(text: str, rest_of_line: str) -> int | None:
    """Where `text` closes a bracket that it did not open and that the rest of the line closes; None if nowhere."""
    if rest_of_line[0] not in _CLOSERS:
        return None
    depth = 0
    for at, character in enumerate(text):
        if character in _CLOSERS.values():
            depth += 1
        elif character in _CLOSERS:
            if depth == 0:
                return at if character == rest_of_line[0] else None
            depth -= 1
    return None


def _n_open(text: str) -> int:
    """How many brackets `text` opens and leaves open."""
    n_open = 0
    for character in text:
        if character in _CLOSERS.values():
            n_open += 1
        elif character in _CLOSERS:
            n_open = max(n_open - 1, 0)
    return n_open
