"""What is wrong with a file once a text stands in its hole, beyond what was wrong anyway."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from midfill_context.syntax.errors import count_errors
from midfill_context.syntax.parts import parts
from midfill_model.ending.hole import Filled, Hole
from midfill_model.ending.laxness import count_lax

if TYPE_CHECKING:
    from collections.abc import Collection

    from tree_sitter import Node

# A line of these belongs to the definition on the next one.
MARKS = frozenset(
    {"decorator", "annotation", "marker_annotation", "attribute_item", "attribute_list", "attribute_group"}
)
_MAX_COMMENTS = 16


class Judge:
    """Counts the errors of a file by what stands in its hole; `placeholder` is a text that makes it read well."""

    def __init__(self, hole: Hole, placeholder: str) -> None:
        self.hole = hole
        self.placeholder = placeholder
        self._bodies = frozenset(kind for kind, part in parts(hole.language).items() if part == "body")
        self._known: dict[tuple[str, int], int] = {}

    def n_errors(self, text: str, n_replaced: int = 0) -> int:
        """How many syntax errors the file has then, with what its grammar lets pass, and with what `text` swallows."""
        key = (text, n_replaced)
        if key not in self._known:
            filled = self.hole.fill(text, n_replaced)
            n_errors = count_errors_of(self.hole.language, filled)
            self._known[key] = n_errors + self._swallows(filled, n_replaced)
        return self._known[key]

    @cached_property
    def floor(self) -> int:
        """How many errors a good text leaves: those that have nothing to do with the hole."""
        return self.n_errors(self.placeholder)

    def is_sound(self, text: str) -> bool:
        """Whether the file is as good with `text` as it can be."""
        return self.n_errors(text) <= self.floor

    def adds_none(self, text: str, n_replaced: int = 0) -> bool:
        """Whether the file has no more errors with `text` than without it."""
        n_errors = self.n_errors(text, n_replaced)
        if n_errors:
            filled = self.hole.fill(text, n_replaced, is_afresh=True)
            n_errors = max(n_errors, count_errors_of(self.hole.language, filled))
        return n_errors <= count_errors_of(self.hole.language, self.hole.fill(""))

    def _swallows(self, filled: Filled, n_replaced: int) -> bool:
        """Whether what follows on the next lines becomes part of something that it was no part of."""
        if self._follower is None:
            return False
        at = filled.end + self._follower[0] - n_replaced
        node = filled.root.descendant_for_byte_range(at, at + 1)
        if node is None or _owner(node, self._bodies) == self._follower[1]:
            return False
        last = filled.start + len(filled.source[filled.start : filled.end].rstrip()) - 1
        return not any(node.type in MARKS for node in filled.around(last))

    @cached_property
    def _follower(self) -> tuple[int, str] | None:
        """Where behind the hole the code of the next lines begins, and the type of what it is part of.

        None where the file is not clear enough to tell.
        """
        filled = self.hole.fill(self.placeholder)
        node = None if count_errors_of(self.hole.language, filled) else _next_code(filled)
        return None if node is None else (node.start_byte - filled.end, _owner(node, self._bodies))


def count_errors_of(language: str, filled: Filled) -> int:
    """The syntax errors of a file, with those at the hole that its grammar lets pass."""
    code = _next_code(filled)
    end = filled.end if code is None else code.start_byte
    return count_errors(filled.root) + count_lax(language, filled.root, filled.start, end)


def _next_code(filled: Filled) -> Node | None:
    """The first token of code on the lines behind the hole."""
    at = filled.source.find(b"\n", filled.end)
    for _ in range(_MAX_COMMENTS if at >= 0 else 0):
        at += _n_blank(filled.source, at)
        node = filled.root.descendant_for_byte_range(at, at + 1)
        if node is None or node.start_byte != at:
            return None
        if not node.is_extra:
            return node
        at = node.end_byte
    return None


def _owner(node: Node, bodies: Collection[int]) -> str:
    """The type of the body that a node begins or stands in, or else of the smallest node that begins before it."""
    start = node.start_byte
    while node.kind_id not in bodies and node.start_byte == start and (parent := node.parent) is not None:
        node = parent
    return node.type


def _n_blank(source: bytes, start: int) -> int:
    """How many blanks and line ends follow a place."""
    at = start
    while source[at : at + 1].isspace():
        at += 1
    return at - start
