"""An open file as the editor has it: its text, and a syntax tree that follows the edits instead of being made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midfill_context.index.reading import Row, row_of
from midfill_context.index.skipping import language_with_facts
from midfill_context.syntax.grammars import grammar, parse

if TYPE_CHECKING:
    from tree_sitter import Point, Tree

_MAX_SECONDS = 1.0


class Buffer:
    """`edit` is cheap; the tree catches up with all edits since in one `row`."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._language = language_with_facts(path)
        self._text = text
        self._tree: Tree | None = None
        self._is_slow = False

    def edit(self, start: int, end: int, new: str) -> None:
        """Replace `text[start:end]`, in characters."""
        if self._tree is not None:
            first, old_end = _place(self._text, start), _place(self._text, end)
        self._text = self._text[:start] + new + self._text[end:]
        if self._tree is not None:
            new_end = _place(self._text, start + len(new))
            self._tree.edit(first[0], old_end[0], new_end[0], first[1], old_end[1], new_end[1])

    def row(self) -> Row | str | None:
        """What the index keeps of the text now, or why nothing. None after a text that took too long to parse."""
        if self._is_slow:
            return None
        data = _encoded(self._text)
        if self._language and grammar(self._language):
            self._tree = parse(self._language, data, self._tree, _MAX_SECONDS)
            self._is_slow = self._tree is None
        return row_of(self._path, data, self._tree)


def changed_span(old: str, new: str) -> tuple[int, int, int]:
    """`(start, old_end, new_end)`: outside of `old[start:old_end]` and `new[start:new_end]` the two are the same."""
    start = _n_common(old, new, min(len(old), len(new)), from_end=False)
    n_after = _n_common(old, new, min(len(old), len(new)) - start, from_end=True)
    return start, len(old) - n_after, len(new) - n_after


def _n_common(old: str, new: str, most: int, *, from_end: bool) -> int:
    """How many characters two texts share at one end: `most` at most. Compares slices, since those are fast."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if from_end:
            is_same = old[len(old) - middle : len(old) - least] == new[len(new) - middle : len(new) - least]
        else:
            is_same = old[least:middle] == new[least:middle]
        least, most = (middle, most) if is_same else (least, middle - 1)
    return least


def _place(text: str, offset: int) -> tuple[int, Point | tuple[int, int]]:
    """An offset in characters as one in bytes, with its row and its column in bytes."""
    line = text.rfind("\n", 0, offset) + 1
    column = len(_encoded(text[line:offset]))
    return len(_encoded(text[:line])) + column, (text.count("\n", 0, line), column)


def _encoded(text: str) -> bytes:
    """In UTF-8; half a surrogate pair, as some editors send it, becomes `?`."""
    return text.encode(errors="replace")
