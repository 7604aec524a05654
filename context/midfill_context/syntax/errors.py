"""Syntax errors of a tree: what the grammar could not read, and tokens that it had to invent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_ERRORS = 1000  # a file with more is no code; counting on would only cost time


def count_errors(root: Node) -> int:
    """How many nodes are ERROR or MISSING, inside of others too."""
    n_errors = 0
    nodes = [root]
    while nodes and n_errors < MAX_ERRORS:
        node = nodes.pop()
        n_errors += node.is_error or node.is_missing
        if node.has_error:
            nodes += node.children
    return n_errors
