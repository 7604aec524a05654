"""Cuts a file into pieces where definitions begin, so that each piece is as whole as its size allows.

A file that does not fit a row is trained on piece by piece, each with a hole of its own: nothing is lost, and no hole
loses the text around it to the end of a row. Snippets of other files are pieces too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import parse
from midfill_training.corpus.documents import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node

# Places deeper than the statements of a method are no better than any other line.
MAX_DEPTH = 6
# What is smaller is not worth a document of its own.
MIN_BYTES = 200


class Pieces:
    """A text, in UTF-8, and the places where it may be cut: beginnings of lines, by the depth of what begins there."""

    def __init__(self, text: str, language: str) -> None:
        self.source = text.encode(errors="replace")
        self._language = language

    def __len__(self) -> int:
        return len(self.source)

    def cut(self, start: int, max_bytes: int) -> int:
        """Where the piece from `start` ends, if it may have `max_bytes`.

        In the second half of what it may have, at the last place among those least deep; else at the end of a line;
        else between two characters.
        """
        if len(self.source) - start <= max_bytes:
            return len(self.source)
        last = max(min(start + max_bytes, len(self.source) - MIN_BYTES), start + 1)
        first = start + (last - start + 1) // 2
        places = self._cuts[bisect_left(self._cuts, (first, 0)) : bisect_right(self._cuts, (last, MAX_DEPTH))]
        if places:
            return min(places, key=lambda place: (place[1], -place[0]))[0]
        return self.source.rfind(b"\n", start, last) + 1 or self._character(start, last)

    @cached_property
    def _cuts(self) -> list[tuple[int, int]]:
        """Only what is longer than its room has to be parsed."""
        return sorted(_cuts(self.source, self._language).items())

    def text(self, start: int, end: int) -> str:
        """The piece between two places that `cut` gave."""
        return self.source[start:end].decode()

    def all(self, max_bytes: int) -> Iterator[str]:
        """The whole text in pieces."""
        start = 0
        while start < len(self.source):
            end = self.cut(start, max_bytes)
            yield self.text(start, end)
            start = end

    def _character(self, start: int, last: int) -> int:
        """The last place from `last` back that is not within a character, or the first after it."""
        places = chain(range(last, start, -1), range(last + 1, len(self.source)))
        return next((at for at in places if self.source[at] & 0xC0 != 0x80), len(self.source))


@lru_cache(maxsize=64)
def pieces_of(file: SourceFile) -> Pieces:
    """The pieces of a file: those after it take snippets from it, and would parse it again."""
    return Pieces(file.text, file.language)


def _cuts(source: bytes, language: str) -> dict[int, int]:
    """The least depth of a node that begins a line, by the place where the line begins."""
    tree = parse(language, source)
    cuts: dict[int, int] = {}
    if tree is None:
        return cuts
    level = [tree.root_node]
    for depth in range(MAX_DEPTH + 1):
        children = [child for node in level for child in node.named_children]
        for child in children:
            line = child.start_byte - child.start_point.column
            if not source[line : child.start_byte].strip() and not _belongs_to_last(child):
                cuts.setdefault(line, depth)
        level = [child for child in children if child.end_byte - child.start_byte > MIN_BYTES]
    return cuts


def _belongs_to_last(node: Node) -> bool:
    """Whether a comment stands right above: it says what comes."""
    last = node.prev_named_sibling
    return last is not None and "comment" in last.type and last.end_point.row + 1 >= node.start_point.row
