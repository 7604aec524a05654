"""Cuts a file into chunks that end where statements end, as far as a size allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Lines = tuple[int, int]  # the first and the last line, counted from 1
Cut = tuple[int, int]  # after which line a chunk may end, and how deep in the tree that is


def syntax_chunks(root: Node, n_lines: int, max_lines: int) -> tuple[Lines, ...]:
    """Chunks of at most `max_lines` that together are the whole file. Comments stay with what follows them."""
    return _packed(_cuts(root, max_lines), n_lines, max_lines)


def plain_chunks(lines: Sequence[bytes], n_lines: int, max_lines: int) -> tuple[Lines, ...]:
    """The same for a text without a syntax tree: it is cut after blank lines."""
    cuts = [(number, 0) for number, line in enumerate(lines, 1) if not line.strip()]
    return _packed(cuts, n_lines, max_lines)


def _cuts(root: Node, max_lines: int) -> list[Cut]:
    """Cuts before each part of the file; parts too long for a chunk are taken apart in turn."""
    cuts: list[Cut] = []
    todo = [(root, 0)]
    while todo:
        node, depth = todo.pop()
        cut_before, parts = -1, []
        for part in node.named_children:
            first, last = part.start_point[0], part.end_point[0]
            if first > cut_before:
                cuts.append((first, depth))
            # Nothing is cut off a comment, nor from the line on which this part ends.
            cut_before = last + 1 if "comment" in part.type else last
            if last - first >= max_lines:
                parts.append((part, depth + 1))
        todo += parts
    cuts.sort()
    return cuts


def _packed(cuts: Sequence[Cut], n_lines: int, max_lines: int) -> tuple[Lines, ...]:
    """Of the cuts that make a chunk at least half full the least deep one is taken, of these the last."""
    chunks: list[Lines] = []
    first, next_cut = 1, 0
    while first <= n_lines:
        end = limit = min(first + max_lines - 1, n_lines)
        if limit < n_lines:
            least_depth = 1 << 30
            found = 0
            while next_cut < len(cuts) and cuts[next_cut][0] <= limit:
                line, depth = cuts[next_cut]
                next_cut += 1
                if line >= first and (depth <= least_depth or line - first < max_lines // 2):
                    found, least_depth = line, depth
            end = found or limit
        chunks.append((first, end))
        first = end + 1
        while next_cut and cuts[next_cut - 1][0] > end:
            next_cut -= 1
    return tuple(chunks)
