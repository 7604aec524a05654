"""The 13 kinds of holes of FIM-Eval, found in a syntax tree (PAPER.md section 5, tables T4 to T7).

The paper names the kinds and counts the cases; what exactly is cut out is not published. Here a hole is always whole
nodes: a signature, all statements of a body or a third of them, one statement. Statements stand alone on their lines.
A body belongs to `method with comment` when prose describes the method; the prose stays in the prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import parse

if TYPE_CHECKING:
    from tree_sitter import Node

# How many cases of each kind the paper has in a language.
SCENARIOS = {
    "method_signature": 600,
    "method_body": 600,
    "single_line": 600,
    "method_with_comment": 600,
    "empty": 180,
    "body_top": 200,
    "body_mid": 200,
    "body_bottom": 200,
    "if": 180,
    "for": 180,
    "while": 180,
    "try": 180,
    "switch": 180,
}

_FUNCTIONS = frozenset(
    (
        *("function_definition", "function_declaration", "generator_function_declaration", "function_item"),
        *("method_definition", "method_declaration", "constructor_declaration"),
    )
)
_BLOCKS = frozenset(("block", "compound_statement", "statement_block", "constructor_body", "statement_list"))
_CONTROL = {
    "if_statement": "if",
    "if_expression": "if",
    "for_statement": "for",
    "for_in_statement": "for",
    "for_range_loop": "for",
    "for_expression": "for",
    "enhanced_for_statement": "for",
    "while_statement": "while",
    "while_expression": "while",
    "try_statement": "try",
    "try_with_resources_statement": "try",
    "switch_statement": "switch",
    "switch_expression": "switch",
    "expression_switch_statement": "switch",
    "type_switch_statement": "switch",
    "match_expression": "switch",
}
N_PARTS = 3


@dataclass(frozen=True)
class Hole:
    """A kind of hole and the bytes of the file that it takes."""

    scenario: str
    start: int
    end: int


def find_holes(language: str, source: bytes) -> list[Hole]:
    """All holes of a file, none if it has a syntax error or its language no grammar."""
    tree = parse(language, source)
    if tree is None or tree.root_node.has_error:
        return []
    return [
        hole
        for node in _walk(tree.root_node)
        for hole in (*_of_function(node), *_of_block(node, source))
        if _is_whole_lines(hole, source) or hole.scenario == "method_signature"
    ]


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.named_children


def _of_function(node: Node) -> Iterator[Hole]:
    """Signature and body of a function that has statements."""
    body = node.child_by_field_name("body") if node.type in _FUNCTIONS else None
    statements = _statements(body) if body is not None else []
    if body is None or not statements:
        return
    is_described = _has_comment_above(node)
    if _is_docstring(statements[0]):
        statements, is_described = statements[1:], True
    yield Hole("method_signature", node.start_byte, _last_before(node, body).end_byte)
    if not statements:
        return
    yield _around("method_with_comment" if is_described else "method_body", statements)
    n_ends = len(statements) // N_PARTS
    if n_ends:
        yield _around("body_top", statements[:n_ends])
        yield _around("body_mid", statements[n_ends:-n_ends])
        yield _around("body_bottom", statements[-n_ends:])


def _of_block(node: Node, source: bytes) -> Iterator[Hole]:
    """The statements of a block one by one, and the place after each, where nothing is missing."""
    if node.type not in _BLOCKS or (node.parent and node.parent.type in _BLOCKS):
        return
    for statement in _statements(node):
        if "comment" in statement.type or _is_docstring(statement):
            continue
        kind = _CONTROL.get(_bare(statement).type)
        if kind:
            yield _around(kind, [statement])
        elif statement.start_point.row == statement.end_point.row and statement.type not in _FUNCTIONS:
            yield _around("single_line", [statement])
        yield Hole("empty", statement.end_byte, statement.end_byte)


def _statements(block: Node) -> Sequence[Node]:
    """The statements and comments of a block; Go has a list between the two."""
    children = block.named_children
    return children[0].named_children if [child.type for child in children] == ["statement_list"] else children


def _bare(statement: Node) -> Node:
    """What an expression used as a statement is, as Rust has its control flow."""
    only = statement.named_children[:1] if statement.type == "expression_statement" else []
    return only[0] if only else statement


def _around(scenario: str, nodes: Sequence[Node]) -> Hole:
    return Hole(scenario, nodes[0].start_byte, nodes[-1].end_byte)


def _last_before(function: Node, body: Node) -> Node:
    """The last node of the signature: in Python its colon."""
    return [child for child in function.children if child.end_byte <= body.start_byte and "comment" not in child.type][
        -1
    ]


def _has_comment_above(function: Node) -> bool:
    """Whether a comment ends on the line above, also above what the function is wrapped in (`export`, decorators)."""
    node = function
    while node.prev_named_sibling is None and node.parent is not None and node.parent.type not in _BLOCKS:
        node = node.parent
        if node.type.endswith(("_body", "program", "module", "translation_unit", "source_file")):
            return False
    above = node.prev_named_sibling
    return above is not None and "comment" in above.type and above.end_point.row + 1 >= node.start_point.row


def _is_docstring(statement: Node) -> bool:
    return statement.type == "expression_statement" and [child.type for child in statement.children] == ["string"]


def _is_whole_lines(hole: Hole, source: bytes) -> bool:
    """Whether there is nothing else on the lines of a hole; after an empty one nothing but the line end."""
    line_start, line_end = source.rfind(b"\n", 0, hole.start) + 1, source.find(b"\n", hole.end)
    is_alone = not source[hole.end : line_end if line_end >= 0 else len(source)].strip()
    return is_alone and (hole.start == hole.end or not source[line_start : hole.start].strip())
