"""Where the values of variables come from, for CodeBLEU: edges between variables, numbered by appearance.

One pass over the syntax tree in the order of the text. What an assignment, declaration, loop or parameter writes is
computed from the names and literals of its value; any other name comes from where it was last written, or first seen.
The published scorer follows branches and runs loops twice as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import parse

if TYPE_CHECKING:
    from tree_sitter import Node

# A variable, how it gets its value, and the variables and literals that it gets it from.
Edge = tuple[int, str, tuple[int, ...]]

# Kinds of nodes that write variables, and the fields of what is written and of what it is computed from.
_WRITING = frozenset(
    (
        *("assignment", "augmented_assignment", "named_expression", "default_parameter", "typed_default_parameter"),
        *("for_statement", "for_in_clause", "for_in_statement", "enhanced_for_statement", "foreach_statement"),
        *("assignment_expression", "augmented_assignment_expression", "assignment_pattern", "assignment_statement"),
        *("variable_declarator", "init_declarator", "for_range_loop", "optional_parameter_declaration"),
        *("short_var_declaration", "range_clause", "var_spec", "const_spec"),
        *("let_declaration", "let_condition", "compound_assignment_expr", "for_expression"),
    )
)
_FIELDS = (
    ("left", "right"),
    ("name", "value"),
    ("declarator", "value"),
    ("declarator", "right"),
    ("declarator", "default_value"),
    ("pattern", "value"),
)
_NAMES = frozenset({"identifier", "shorthand_property_identifier_pattern"})
_STRINGS = frozenset({"string", "string_literal", "character_literal", "interpreted_string_literal"})


@dataclass(frozen=True)
class _Value:
    """A name or literal at a place of the text, with those at other places that it gets its value from."""

    at: int
    text: str
    how: str = "comesFrom"
    sources: tuple[_Value, ...] = ()


def data_flow(language: str, code: str) -> list[Edge]:
    """The edges of a piece of code in a language with a grammar, without values that come from and go nowhere."""
    tree = parse(language, code.encode(errors="replace"))
    try:
        values = sorted(_flow(tree.root_node, {}), key=lambda value: value.at) if tree else []
    except RecursionError:  # nested hundreds of times
        return []
    used = {source.at for value in values for source in value.sources}
    numbers: dict[str, int] = {}
    edges = []
    for value in values:
        if value.sources or value.at in used:
            seen = [numbers.setdefault(each.text, len(numbers)) for each in (*value.sources, value)]
            edges.append((seen[-1], value.how, tuple(seen[:-1])))
    return edges


def _flow(node: Node, last: dict[str, _Value]) -> Iterator[_Value]:
    """The values below a node; `last` has where each name got its value and grows on the way."""
    target, source = _parts(node)
    if target is not None and source is not None:
        yield from _flow(source, last)
        sources = tuple(_values(source))
        for each in _values(target):
            last[each.text] = _Value(each.at, each.text, "computedFrom", sources)
            yield last[each.text]
    elif _is_value(node):
        (each,) = _values(node)
        if each.text in last:
            yield _Value(each.at, each.text, sources=(last[each.text],))
        else:
            yield each
            if node.type in _NAMES:
                last[each.text] = each
        return
    for child in node.children:
        if child not in (target, source):
            yield from _flow(child, last)


def _parts(node: Node) -> tuple[Node | None, Node | None]:
    """What a node writes, and what it computes that from."""
    if node.type in _WRITING:
        for left, right in _FIELDS:
            target, source = node.child_by_field_name(left), node.child_by_field_name(right)
            if target is not None and source is not None:
                return target, source
    return None, None


def _values(node: Node) -> Iterator[_Value]:
    """The names and literals below a node."""
    if _is_value(node):
        yield _Value(node.start_byte, _text(node))
        return
    for child in node.children:
        yield from _values(child)


def _is_value(node: Node) -> bool:
    """Operators, brackets and keywords are of the kind that they read; everything else that has no parts is a value."""
    return node.type in _STRINGS or (not node.children and node.type != _text(node))


def _text(node: Node) -> str:
    return node.text.decode(errors="replace") if node.text else ""
