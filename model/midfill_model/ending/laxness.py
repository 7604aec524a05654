"""What the grammar of Python lets pass although Python does not: tree-sitter must make something of any half line.

Other grammars have no such gaps that matter here. Only what touches a part of the file is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_HANDLERS = frozenset({"except_clause", "except_group_clause", "finally_clause"})


def count_lax(language: str, root: Node, start: int, end: int) -> int:
    """How many such errors there are between two bytes of a file: empty or crooked blocks, `try` without `except`."""
    if language != "python":
        return 0
    n_errors = 0
    nodes = [root]
    while nodes:
        node = nodes.pop()
        children = _children_between(node, start, end)
        if node.type in ("module", "block"):
            n_errors += _n_crooked(node, children)
            n_errors += node.type == "block" and not node.named_child_count
        elif node.type == "try_statement":
            n_errors += all(child.type not in _HANDLERS for child in node.children)
        nodes += children
    return n_errors


def _n_crooked(block: Node, children: list[Node]) -> int:
    """How many statements do not stand below the first one of their block."""
    first = block.named_children[0] if block.type == "block" and block.named_child_count else None
    column = first.start_point.column if first is not None else 0
    return sum(
        child.start_point.column != column
        for child in children
        if child.is_named and not child.is_extra and not child.is_error and _begins_line(child)
    )


def _begins_line(node: Node) -> bool:
    before = node.prev_sibling
    return before is None or before.end_point.row < node.start_point.row


def _children_between(node: Node, start: int, end: int) -> list[Node]:
    cursor = node.walk()
    children: list[Node] = []
    if cursor.goto_first_child_for_byte(start) is not None:
        while cursor.node is not None and cursor.node.start_byte <= end:
            children.append(cursor.node)
            if not cursor.goto_next_sibling():
                break
    return children
