"""Ends a completion where the syntax of its file does.

All the rules are asked at characters: at a line end, at the first word of the line after it, at a semicolon and where
the suffix begins to be repeated. Only there the text is put into the excerpt of the file, and that is parsed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from itertools import takewhile

from midfill_context.cursor import Cursor
from midfill_context.syntax.parts import parts
from midfill_model.ending.brackets import CLOSING, OPENERS, PAIRS, n_open
from midfill_model.ending.ended import Ended
from midfill_model.ending.excerpt import excerpt
from midfill_model.ending.finishing import Finisher
from midfill_model.ending.hole import Hole, TooHard, encoded
from midfill_model.ending.indentation import Indentation
from midfill_model.ending.judging import Judge
from midfill_model.ending.place import Kind, read_place
from midfill_model.ending.placeholder import closing_placeholder, plain_placeholder
from midfill_model.ending.repetition import line_loop, repeated_lines, word_loop
from midfill_model.engine import StopReason

MAX_CHARS = 8192
MAX_PARSES = 256
# Words with which a statement goes on at its own indentation.
_CLAUSES = frozenset({"else", "elif", "elseif", "elsif", "except", "catch", "finally", "case"})
_FIRST_WORD = re.compile(r"([ \t]*)(?:(\w+)\W|[^\w\s])")
_MAY_BEGIN_BELOW = frozenset({Kind.BLOCK, Kind.STATEMENT, Kind.PROSE, Kind.LIST})

_End = tuple[str, StopReason]


class StructureEnding:
    """The ending for one place in a file. Raises TooHard, see there."""

    def __init__(self, cursor: Cursor) -> None:
        hole = Hole(cursor.language, encoded(cursor.prefix), encoded(cursor.suffix))
        near = excerpt(hole, hole.fill(plain_placeholder(hole)))
        placeholder = closing_placeholder(near)
        self._whole, self._local = Judge(hole, placeholder), Judge(near, placeholder)
        self._place = read_place(self._local)
        self._head = cursor.prefix.rpartition("\n")[2]
        self._rest = cursor.suffix.partition("\n")[0].rstrip()
        self._finisher = Finisher(cursor, self._whole, self._local)
        self._indentation = Indentation.of(cursor.prefix + cursor.suffix)
        self._language = cursor.language
        self._suffix = cursor.suffix
        self._seen = ""

    @property
    def kind(self) -> Kind:
        """The kind of the place."""
        return self._place.kind

    @property
    def n_parses(self) -> int:
        """How many trees were made so far."""
        return self._local.hole.n_parses + self._whole.hole.n_parses

    @property
    def needs_nothing(self) -> bool:
        """See `TextEnding.needs_nothing`."""
        return self.kind is Kind.NOTHING

    def cut(self, text: str) -> Ended | None:
        """See `TextEnding.cut`."""
        try:
            return self._cut(self._indentation.applied(text))
        except TooHard:
            return Ended("", StopReason.NO_VALID_CUT)

    def _cut(self, text: str) -> Ended | None:
        start = len(self._seen) if text.startswith(self._seen) else 0
        self._seen = text
        for at in range(start, min(len(text), MAX_CHARS)):
            end = self._end_at(text, at)
            if end is not None:
                return self.finish(*end)
        loop = word_loop(text[:MAX_CHARS])
        if loop is not None:
            return self.finish(text[:loop], StopReason.REPETITION)
        if len(text) > MAX_CHARS or self._local.hole.n_parses > MAX_PARSES:
            return self.finish(text, StopReason.MAX_TOKENS)
        return None

    def finish(self, text: str, reason: StopReason) -> Ended:
        """See `TextEnding.finish`."""
        ended = self._finisher.finish(self._indentation.applied(text[:MAX_CHARS]), reason)
        return replace(ended, is_extra=self._is_extra(ended.text))

    def _is_extra(self, text: str) -> bool:
        """Whether the code was whole before `text`: that begins a new line, or goes on behind a bracket or a quote."""
        begins_below = not text.partition("\n")[0].strip()
        return self._place.is_whole and (begins_below or self._head.rstrip()[-1:] in CLOSING)

    def _end_at(self, text: str, at: int) -> _End | None:
        """The text up to some place where the character there tells that it ends, and why."""
        character = text[at]
        line_start = text.rfind("\n", 0, at) + 1
        if line_start:
            end = self._at_line_start(text[: line_start - 1], text[line_start : at + 1])
            if end is not None:
                return end
        if character == "\n":
            return self._at_line_end(text[:at])
        if character == ";" and self._is_over(text[: at + 1]):
            return text[: at + 1], StopReason.STRUCTURE
        return self._at_suffix(text[: at + 1])

    def _at_line_end(self, text: str) -> _End | None:
        kind = self._kind(text)
        loop = line_loop(text) or word_loop(text)
        if loop:
            return text[:loop], StopReason.REPETITION
        if not text.strip():
            may_go_on = not self._rest or kind in _MAY_BEGIN_BELOW or not self._local.is_sound("")
            return None if may_go_on else ("", StopReason.NOTHING_NEEDED)
        if kind is Kind.PROSE:
            return (self._without_bare_mark(text), StopReason.STRUCTURE) if self._ends_paragraph(text) else None
        if kind in (Kind.NOTE, Kind.STRING):
            return text, StopReason.STRUCTURE
        if not text.rpartition("\n")[2].strip():
            return None  # what the line above says has been heard
        repeated = None if self._rest else repeated_lines(self._head, text, self._finisher.below)
        if repeated is not None:
            kept = text[:repeated]
            if self._local.is_sound(kept if kept.strip() else text):
                return kept, StopReason.SUFFIX
        if self._heads_what_is_below(text):
            return text, StopReason.STRUCTURE
        if self._is_whole(text):
            return None if self._goes_on(text) else (text, StopReason.STRUCTURE)
        is_lost = self._rest and not n_open(text) and kind is not Kind.BLOCK
        return (text, StopReason.STRUCTURE) if is_lost else None

    def _goes_on(self, text: str) -> bool:
        """Whether more than these lines is wanted, which are complete as they are."""
        place = self._place
        if place.kind is Kind.BLOCK:
            is_below = "\n" in text or not self._head.strip()
            return is_below and (place.is_closed or place.column is not None)
        if place.kind is Kind.LIST:
            is_below = text.lstrip(" \t").startswith("\n") and text.endswith(",")
            return is_below and self._head.rstrip()[-1:] in PAIRS
        if place.column is None:
            return self._is_control(text)
        return "\n" in text.lstrip() and _n_indented(text.rpartition("\n")[2]) > self._column(text)

    def _is_over(self, text: str) -> bool:
        """Whether a semicolon ends the completion: a statement of one line."""
        is_line = not self._rest and "\n" not in text.strip() and self._place.kind in (Kind.LINE, Kind.STATEMENT)
        return is_line and not n_open(text) and self._is_whole(text) and not self._is_control(text)

    def _is_control(self, text: str) -> bool:
        """Whether `text` is a statement that may go on with a word like `else`."""
        if self._place.kind not in (Kind.LINE, Kind.STATEMENT):
            return False
        filled = self._local.hole.fill(text)
        kinds = parts(self._language)
        end = filled.start + len(filled.source[filled.start : filled.end].rstrip())
        around = takewhile(lambda node: node.end_byte <= end, filled.around(end - 1))
        return any(kinds.get(node.kind_id) == "control" for node in around)

    def _is_whole(self, text: str) -> bool:
        """Whether the file could go on after `text`. Where it is broken anyway, brackets tell more than the tree."""
        return self._local.is_sound(text) and not (self._local.floor and n_open(text))

    def _at_line_start(self, above: str, line: str) -> _End | None:
        """What a line that has just begun says of the lines above: that they were all."""
        place, kind = self._place, self._kind(above)
        if not above.strip() or kind is Kind.LIST:
            return None
        if kind is Kind.PROSE:
            is_over = len(line.lstrip()) == len(place.marker) and line.lstrip() != place.marker
            return (above, StopReason.STRUCTURE) if is_over else None
        began = _FIRST_WORD.fullmatch(line)
        if began is None or (place.column is None and place.kind is Kind.BLOCK):
            return None
        n_deeper = 0 if place.column is None else len(began[1]) - self._column(above)
        if n_deeper > 0 or (n_deeper == 0 and place.kind is not Kind.BLOCK and began[2] in _CLAUSES):
            return None
        return (above, StopReason.STRUCTURE) if self._is_whole(above) else None

    def _at_suffix(self, text: str) -> _End | None:
        """Whether `text` has just written what the suffix begins with: the rest of the line, or what closes there."""
        rest = self._rest.strip()
        if rest and self._local.floor and not rest.strip(CLOSING):
            return None  # `def f(|)`: more is missing than what stands between the brackets
        if rest and text.endswith(rest) and self._is_whole(text[: -len(rest)]):
            return text[: -len(rest)], StopReason.SUFFIX
        closer = self._closer
        if not closer or not text.endswith(closer):
            return None
        kept = text[: -len(closer)]
        if not self._local.is_sound(kept):
            return None
        filled = self._local.hole.fill(kept)
        suffix = filled.source[filled.end :]
        node = next(filled.around(filled.end + len(suffix) - len(suffix.lstrip())))
        opener = node if node.start_byte < filled.start or node.parent is None else node.parent
        return (kept, StopReason.SUFFIX) if opener.start_byte < filled.start else None

    @cached_property
    def _closer(self) -> str:
        """The brackets, quotes or other signs at the beginning of the suffix that end what was open before it."""
        suffix = self._suffix.lstrip()
        if self._place.end:
            return self._place.end if suffix.startswith(self._place.end) else ""
        return suffix[:1] if suffix[:1] in OPENERS else ""

    def _ends_paragraph(self, text: str) -> bool:
        """Whether a line of a comment or of a long string is its last one."""
        if self._rest:
            return True
        last = text.rpartition("\n")[2].strip().removeprefix(self._place.marker)
        below = self._suffix.partition("\n")[2].partition("\n")[0].strip()
        has_more = below.startswith(self._place.marker) if self._place.marker else bool(below.strip("\"'`*/"))
        return not last.strip() or (has_more and bool(below.removeprefix(self._place.marker).strip()))

    def _without_bare_mark(self, text: str) -> str:
        """Without a last line that has the mark of a comment and no word."""
        lines, _, last = text.rpartition("\n")
        return lines if self._place.marker and last.strip() == self._place.marker else text

    def _heads_what_is_below(self, text: str) -> bool:
        """Whether `text` opens a block that has its statements and its end in the suffix."""
        below = self._finisher.below
        has_body = bool(below) and below[0].lstrip()[:1] not in OPENERS
        return has_body and text.rstrip().endswith("{") and not self._rest and not self._local.n_errors(text)

    def _kind(self, text: str) -> Kind:
        """The kind of the place, or of what follows where `text` closes a string or begins below a comment."""
        marker = self._place.marker
        if self._place.kind is Kind.PROSE and self._place.end and self._place.end in text:
            return Kind.LINE
        if self._place.kind is Kind.NOTE or marker:
            first, newline, _ = text.partition("\n")
            begun = text.lstrip()[: len(marker)]
            if newline and not first.strip() and not (marker and marker.startswith(begun)):
                return Kind.STATEMENT
        return self._place.kind

    def _column(self, text: str) -> int:
        """How far a line may be indented at most to begin something new."""
        is_new = self._place.kind is not Kind.BLOCK and not text.partition("\n")[0].strip()
        if is_new or self._place.kind is Kind.STATEMENT:
            lines = (("" if self._head.strip() else self._head) + text).split("\n")
            return next((_n_indented(line) for line in lines if line.strip()), 0)
        return self._place.column or 0


def _n_indented(line: str) -> int:
    return len(line) - len(line.lstrip())
