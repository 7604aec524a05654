"""A file with a hole: its syntax tree for any text in the hole, made from the tree of the file without it.

All offsets are bytes of UTF-8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node, Tree

MAX_BYTES = 1 << 19
_MAX_SECONDS = 0.5


class TooHard(Exception):
    """The file has no grammar, or takes too long to parse. Nobody sees this: the completion ends by lines instead."""


@dataclass(frozen=True)
class Filled:
    """The syntax tree of a file with a text in its hole, from `start` to `end`."""

    tree: Tree
    source: bytes
    start: int
    end: int

    @property
    def root(self) -> Node:
        return self.tree.root_node

    def around(self, start: int, end: int | None = None) -> Iterator[Node]:
        """The nodes around some bytes, or around one, from the smallest one outwards."""
        node = self.root.descendant_for_byte_range(start, start + 1 if end is None else end)
        while node is not None:
            yield node
            node = node.parent


class Hole:
    """A hole in a file of a known language. Raises TooHard, from the start or as soon as a text makes it so."""

    def __init__(self, language: str, prefix: bytes, suffix: bytes) -> None:
        if len(prefix) + len(suffix) > MAX_BYTES:
            raise TooHard
        self.language = language
        self.prefix = prefix
        self.suffix = suffix
        self.n_parses = 0
        self._row = prefix.count(b"\n")
        self._column = len(prefix) - (prefix.rfind(b"\n") + 1)
        self._empty = self._parse(prefix + suffix, None)

    def fill(self, text: str, n_replaced: int = 0, *, is_afresh: bool = False) -> Filled:
        """The file with `text` in place of the hole and of the first `n_replaced` bytes of the suffix, of one line.

        Of a file with errors tree-sitter may make another tree when it parses `is_afresh` than when it follows edits.
        """
        new, start = encoded(text), len(self.prefix)
        if not new and not n_replaced:
            return Filled(self._empty, self.prefix + self.suffix, start, start)
        source = b"".join((self.prefix, new, self.suffix[n_replaced:]))
        tree = None
        if not is_afresh:
            tree = self._empty.copy()
            tree.edit(start, start + n_replaced, start + len(new), *self._points(new, n_replaced))
        return Filled(self._parse(source, tree), source, start, start + len(new))

    def _points(self, new: bytes, n_replaced: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        start = (self._row, self._column)
        n_lines = new.count(b"\n")
        column = len(new) - new.rfind(b"\n") - 1 if n_lines else self._column + len(new)
        return start, (self._row, self._column + n_replaced), (self._row + n_lines, column)

    def _parse(self, source: bytes, old: Tree | None) -> Tree:
        self.n_parses += 1
        tree = parse(self.language, source, old, _MAX_SECONDS)
        if tree is None:
            raise TooHard
        return tree


def encoded(text: str) -> bytes:
    """In UTF-8; half a surrogate pair, as some editors send it, becomes `?`."""
    return text.encode(errors="replace")
