"""The last touch: what a completion is cut to, so that it neither breaks the file nor says what is there already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from midfill_context.cursor import Cursor
from midfill_model.ending.brackets import OPENERS, unopened_closer
from midfill_model.ending.ended import Ended
from midfill_model.ending.hole import TooHard, encoded
from midfill_model.ending.judging import Judge
from midfill_model.ending.pieces import shorter_pieces
from midfill_model.ending.repetition import repeated_lines, repeated_rest
from midfill_model.engine import StopReason

N_LINES_BELOW = 20
_CUT_SHORT = frozenset({StopReason.MAX_TOKENS, StopReason.DEADLINE})
_LAST_WORD = re.compile(r"\w*$")


class Finisher:
    """Finishes texts for one place: `whole` judges the file, `local` what is near the hole."""

    def __init__(self, cursor: Cursor, whole: Judge, local: Judge) -> None:
        self._whole = whole
        self._local = local
        self._head = cursor.prefix.rpartition("\n")[2]
        self._rest, _, below = cursor.suffix.partition("\n")
        self._rest = self._rest.rstrip()
        self.below = lines_below(below)

    def finish(self, text: str, reason: StopReason) -> Ended:
        """The best piece of `text`: the longest of those that leave the fewest errors, none more than without it."""
        text = _without_half(text) if reason in _CUT_SHORT else text
        text = text.rstrip() if not self._rest or self._rest[0].isspace() else text
        if not text.strip():
            return Ended("", reason)
        try:
            return self._best(text, reason)
        except TooHard:
            return Ended("", StopReason.NO_VALID_CUT)

    def _best(self, text: str, reason: StopReason) -> Ended:
        best = Ended("", StopReason.NO_VALID_CUT)
        least = 1 << 30
        for ended in self._candidates(text, reason):
            n_replaced = len(encoded(self._rest[: ended.n_replaced]))
            # Errors elsewhere may hide one near the hole, and the excerpt is parsed much faster than the file.
            if not all(judge.adds_none(ended.text, n_replaced) for judge in (self._local, self._whole)):
                continue
            n_errors = self._whole.n_errors(ended.text, n_replaced)
            if n_errors < least:
                best, least = ended, n_errors
            if least <= self._whole.floor:
                break
        return best if best.text.strip() else Ended("", best.stop_reason)

    def _candidates(self, text: str, reason: StopReason) -> Iterator[Ended]:
        """The pieces, the most wanted ones first."""
        repeated = self._repeated(text)
        if repeated is not None:
            yield Ended(text[:repeated] if self._rest else text[:repeated].rstrip(), StopReason.SUFFIX)
        if self._rest and _closes_itself(text, self._rest.strip()):
            yield Ended(text, reason, len(self._rest))
        yield Ended(text, reason)
        yield from (Ended(piece, reason) for piece in shorter_pieces(text))

    def _repeated(self, text: str) -> int | None:
        if self._rest:
            return repeated_rest(text.rstrip(), self._rest)
        return repeated_lines(self._head, text, self.below)


def lines_below(below: str) -> list[str]:
    """The first lines below the cursor that are not blank."""
    return [line.rstrip() for line in below.split("\n", N_LINES_BELOW)[:N_LINES_BELOW] if line.strip()]


def _without_half(text: str) -> str:
    """Without the line that was not written to its end; of a single line, without its last word."""
    lines, newline, last = text.rpartition("\n")
    if lines.strip():
        return lines
    return lines + newline + _LAST_WORD.sub("", last)


def _closes_itself(text: str, rest: str) -> bool:
    """Whether `text` closes what `rest` closes, goes on behind that, and may be shown in its place.

    An editor shows it only where all that it replaces comes in it, in this order; words are not at stake.
    """
    signs = iter(text)
    is_within = not re.search(r"\w", rest) and all(sign in signs for sign in rest if not sign.isspace())
    return is_within and (rest[0] not in OPENERS or unopened_closer(text, rest[0]) is not None)
