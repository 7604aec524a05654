"""The bytes of a file, with what several readers of facts ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from midfill_context.languages import language

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Source:
    """A source in UTF-8 and the id of its language. Bytes that are no UTF-8 are shown as U+FFFD."""

    language: str
    data: bytes

    @cached_property
    def lines(self) -> list[bytes]:
        return self.data.split(b"\n")

    @property
    def n_lines(self) -> int:
        return len(self.lines) - (not self.lines[-1])

    @cached_property
    def comment_mark(self) -> str:
        """What a comment line begins with."""
        row = language(self.language)
        return (row and row.line_comment) or "//"

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode(errors="replace")
