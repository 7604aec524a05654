"""A parsed file, and what the choice of holes asks of it. Offsets are bytes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midfill_context.syntax.parts import Part

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 256  # nothing that people write is nested deeper
_WORD = re.compile(rb"[\w\x80-\xff]")

# From the first byte of a run of nodes to behind the last one.
Run = tuple[int, int]


@dataclass(frozen=True)
class Code:
    """A parsed file, the part that each type of node plays, and how long a hole may be."""

    source: bytes
    root: Node
    parts: Mapping[int, Part]
    max_bytes: int

    def nodes_at(self, byte: int) -> list[Node]:
        """The nodes around a place, the outermost first; the root is not among them."""
        cursor = self.root.walk()
        nodes: list[Node] = []
        while len(nodes) < MAX_DEPTH and cursor.goto_first_child_for_byte(byte) is not None:
            node = cursor.node
            if node is None or node.is_error or node.start_byte > byte:
                break
            nodes.append(node)
        return nodes

    def line_at(self, byte: int) -> tuple[int, int]:
        """The text of a line, without the blanks around it."""
        start = self.source.rfind(b"\n", 0, byte) + 1
        end = self.source.find(b"\n", byte)
        line = self.source[start : end if end >= 0 else None]
        return start + len(line) - len(line.lstrip()), start + len(line.rstrip())

    def starts_line(self, byte: int) -> bool:
        """Whether nothing but blanks stands before this place in its line."""
        return not self.source[self.source.rfind(b"\n", 0, byte) + 1 : byte].strip()

    def ends_line(self, byte: int) -> bool:
        """Whether nothing but blanks stands after this place in its line."""
        end = self.source.find(b"\n", byte)
        return not self.source[byte : end if end >= 0 else None].strip()

    def fits(self, start: int, end: int) -> bool:
        """Whether this is short enough for a middle, and more than punctuation."""
        return 0 < end - start <= self.max_bytes and _WORD.search(self.source, start, end) is not None

    def is_prose(self, node: Node) -> bool:
        """Whether this is a comment, or a literal that stands alone as docstrings do."""
        part = self.parts.get(node.kind_id)
        while part is None and node.child_count == 1 and (only := node.child(0)) is not None:
            node, part = only, self.parts.get(only.kind_id)
        return part == "comment" or (
            part == "string" and self.starts_line(node.start_byte) and self.ends_line(node.end_byte)
        )

    def of(self, part: Part, nodes: Sequence[Node]) -> list[Node]:
        """Those of the nodes that play a part and are small enough to look into."""
        return [node for node in nodes if self.parts.get(node.kind_id) == part and self.is_small(node)]

    def is_small(self, node: Node) -> bool:
        """Whether it is worth a look: much of a longer node cannot be a hole."""
        return node.end_byte - node.start_byte <= 2 * self.max_bytes

    def run_on(self, start: int, end: int, but: Collection[Part]) -> Run | None:
        """From `start` to `end`, if just there lies a node or a run of whole children of one; of no part in `but`."""
        around = self.root.descendant_for_byte_range(start, end) if start < end else None
        if around is None or around.is_error or self.parts.get(around.kind_id) in but:
            return None
        is_exact = (around.start_byte, around.end_byte) == (start, end)
        first, last = (around, around) if is_exact else (_child_at(around, start), _child_at(around, end - 1))
        if first is None or last is None or first.has_error or last.has_error:
            return None
        return (start, end) if (first.start_byte, last.end_byte) == (start, end) else None


def _child_at(node: Node, byte: int) -> Node | None:
    """The first child that ends behind `byte`. Where there is none, `Node.first_child_for_byte` crashes (0.26.1)."""
    cursor = node.walk()
    return cursor.node if cursor.goto_first_child_for_byte(byte) is not None else None
