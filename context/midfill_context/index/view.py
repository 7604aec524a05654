"""What retrieval reads of an index. Nothing here waits for a parser: what is not known yet is missing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from midfill_context.imports.project import Target
from midfill_context.syntax.facts import FileFacts
from midfill_context.syntax.imported import Import


class IndexView(Protocol):
    """The files of one workspace. Paths are relative to it, with `/`; any thread may ask.

    A generation is a number that grows with every change; 0 is before the first one.
    """

    def paths(self) -> Collection[str]:
        """All files: code, and the configuration and data beside it, which have no facts."""

    def facts(self, path: str) -> FileFacts | None:
        """The facts of a file, of its open buffer where there is one; None where there are none."""

    def lines(self, path: str, first: int, last: int) -> str | None:
        """The text of some lines, which count from 1, both ends included; None where it cannot be read.

        Lines end at `\\n`; what a file has before or instead of it is as in the file, but `\\r\\n` is `\\n`.
        """

    def imported_by(self, path: str) -> tuple[tuple[Import, tuple[Target, ...]], ...]:
        """The imports of a file with what they lead to in the workspace."""

    def implied_by(self, path: str) -> tuple[Target, ...]:
        """What a file uses without importing it: its package or namespace, what is loaded by its name."""

    def generation(self, path: str) -> int:
        """When the facts of a file changed last; 0 for a file that is not in the index."""

    def changed_since(self, generation: int) -> tuple[int, frozenset[str]]:
        """The generation now, and the files that changed, came or vanished after the given one."""
