"""What a file defines: names with their kinds, places, signatures and the head of their documentation.

`queries/README.md` says which captures this reads. A definition belongs to a scope: the names of the definitions
around it, joined with dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from midfill_context.syntax.documentation import comment_above, doc_head
from midfill_context.syntax.source import Source

if TYPE_CHECKING:
    from tree_sitter import Node

    from midfill_context.syntax.queries import Match

MAX_SIGNATURE_CHARS = 480
CLASSES = frozenset({"class", "struct", "union", "record", "interface", "trait", "enum", "container"})
FUNCTIONS = frozenset({"function", "method"})
NAMESPACES = frozenset({"namespace", "module"})
VALUES = frozenset({"variable", "field", "constant"})
_ONE_LINE = VALUES | {"macro"}
_SEPARATORS = re.compile(r"::|[.:]")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>(?=.*::)")


class Definition(NamedTuple):
    """A named piece of code. A tuple, because a workspace has several hundred thousand of them.

    Lines count from 1, both ends included; `start` and `end` are byte offsets. `signature` is the code up to the body,
    `doc` the first paragraph of the documentation.
    """

    name: str
    kind: str
    scope: str
    first_line: int
    last_line: int
    start: int
    end: int
    signature: str
    doc: str

    @property
    def qualified_name(self) -> str:
        return f"{self.scope}.{self.name}" if self.scope else self.name


@dataclass
class _Found:
    """What the matches with one `@name` node say together; the first pattern of the query file gives the kind."""

    name: str
    pattern: int = 1 << 30
    kind: str = ""
    node: Node | None = None
    extent: tuple[int, int] = (0, 0)
    body: int = -1
    scope: str = ""
    doc: str = ""
    qualified_name: str = ""


def read_definitions(matches: Iterable[Match], source: Source, max_definitions: int) -> list[Definition]:
    """The definitions among the matches of a query, in the order of the file, the outer before the inner."""
    around: list[_Found] = []
    definitions: list[Definition] = []
    line = 0
    for found in _in_order(matches, source):
        while around and (around[-1].extent[1] <= found.extent[0] or around[-1].extent == found.extent):
            around.pop()
        outer = around[-1] if around else None
        if _is_local(found, outer):
            continue
        scope, name = _scope(found, outer)
        found.qualified_name = f"{scope}.{name}" if scope else name
        found.kind = _kind(found, outer)
        if found.kind not in VALUES:
            around.append(found)
        if found.kind != "container":
            definitions.append(_definition(found, name, scope, line, source))
            line = definitions[-1].first_line
            if len(definitions) == max_definitions:
                break
    return definitions


def _in_order(matches: Iterable[Match], source: Source) -> list[_Found]:
    by_name: dict[int, _Found] = {}
    for pattern, captures in matches:
        if "import" in captures:
            continue
        for name in captures.get("name", ()):
            found = by_name.get(name.start_byte)
            if found is None:
                found = by_name[name.start_byte] = _Found(source.text(name))
            _add(found, pattern, captures, source)
    kept = [found for found in by_name.values() if found.node is not None]
    kept.sort(key=lambda found: (found.extent[0], -found.extent[1]))
    return kept


def _add(found: _Found, pattern: int, captures: dict[str, list[Node]], source: Source) -> None:
    for capture, nodes in captures.items():
        node = nodes[0]
        if capture.startswith("definition.") or capture == "container":
            if pattern < found.pattern:
                found.pattern, found.kind = pattern, capture.removeprefix("definition.")
            start, end = node.byte_range
            if end - start > found.extent[1] - found.extent[0]:
                found.node, found.extent = node, (start, end)
        elif capture == "body":
            found.body = node.start_byte
        elif capture == "scope":
            found.scope = source.text(node)
        elif capture == "doc":
            found.doc = source.text(node)


def _is_local(found: _Found, outer: _Found | None) -> bool:
    if outer is None or outer.kind not in FUNCTIONS:
        return False
    if found.kind == "field":
        return outer.kind != "method"
    return found.kind in VALUES or found.body < 0


def _scope(found: _Found, outer: _Found | None) -> tuple[str, str]:
    """The scope of a definition, and its name without what it says of the scope itself."""
    *qualifiers, name = _SEPARATORS.split(_without_type_arguments(found.name.strip("\"'")))
    outer_scope = outer.qualified_name if outer else ""
    if outer and outer.kind == "method" and found.kind == "field":
        outer_scope = outer_scope.rpartition(".")[0]
    return ".".join(part for part in (outer_scope, found.scope, *qualifiers) if part), name


def _without_type_arguments(name: str) -> str:
    """`A<B<C>>::m` as `A::m`."""
    shorter = _TYPE_ARGUMENTS.sub("", name)
    while shorter != name:
        name, shorter = shorter, _TYPE_ARGUMENTS.sub("", shorter)
    return name


def _kind(found: _Found, outer: _Found | None) -> str:
    belongs = found.scope or _SEPARATORS.search(found.name) or (outer and outer.kind in CLASSES)
    if belongs and found.kind == "function":
        return "method"
    if belongs and found.kind == "variable":
        return "field"
    return found.kind


def _definition(found: _Found, name: str, scope: str, line_before: int, source: Source) -> Definition:
    assert found.node is not None
    start, end = found.extent
    first, (last, column) = found.node.start_point[0] + 1, found.node.end_point
    last = max(first, last + 1 if column else last)
    doc = ""
    if found.kind not in VALUES:
        doc = doc_head(found.doc or (comment_above(source, first) if first > line_before else ""))
    signature = _signature(source, start, found.body if found.body > start else end, first, found.kind)
    return Definition(name, found.kind, scope, first, last, start, end, signature, doc)


def _signature(source: Source, start: int, end: int, line: int, kind: str) -> str:
    """The code from `start` to `end`, without the indentation of the line on which it starts."""
    text = source.data[start : min(end, start + 2 * MAX_SIGNATURE_CHARS)].decode(errors="replace")
    text = text[:MAX_SIGNATURE_CHARS].rstrip(" \t\r\n{")
    if "\n" not in text:
        return text.rstrip(" ,;[(") if kind in _ONE_LINE else text
    lines = text.split("\n")
    if kind in _ONE_LINE:
        return lines[0].rstrip(" \t\r,;{[(\\")
    while len(lines) > 1 and lines[-1].lstrip().startswith(source.comment_mark):
        lines.pop()
    around = source.lines[line - 1]
    indentation = around[: len(around) - len(around.lstrip())].decode(errors="replace")
    return "\n".join(part.removeprefix(indentation).rstrip() for part in lines)
