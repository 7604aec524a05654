"""Imports as a file writes them, in one shape for all languages. `queries/README.md` says which captures this reads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from midfill_context.syntax.definitions import NAMESPACES, Definition
from midfill_context.syntax.queries import LanguageQuery, Match
from midfill_context.syntax.source import Source
from midfill_context.syntax.use_tree import ImportedName, leaves

if TYPE_CHECKING:
    from tree_sitter import Node

SELF = ""  # the `module` of what a file exports of its own, under another name or as its default


class Import(NamedTuple):
    """One module that a file imports. A tuple, because a workspace has a hundred thousand of them.

    `module` is as written, without quotes: `..a.b`, `./x`, `vector`, `crate::a`. `kind` says which form the statement
    has, `import` unless the language's queries name another one. `alias` is the local name of the module as a whole,
    `scope` the namespaces of the file around the statement, joined with dots, and `line` counts from 1.
    """

    kind: str
    module: str
    names: tuple[ImportedName, ...] = ()
    alias: str = ""
    is_wildcard: bool = False
    is_type_only: bool = False
    scope: str = ""
    line: int = 0


@dataclass
class _Found:
    """What the matches with one `@module` node say together; the first pattern of the query file gives the kind."""

    module: str
    line: int
    pattern: int = 1 << 30
    kind: str = "import"
    separator: str = ""
    names: dict[int, ImportedName] = field(default_factory=dict)
    alias: str = ""
    is_wildcard: bool = False
    is_type_only: bool = False


def read_imports(
    matches: Iterable[Match], query: LanguageQuery, source: Source, definitions: Sequence[Definition]
) -> list[Import]:
    """The imports among the matches of a query, in the order of the file."""
    by_module: dict[int, _Found] = {}
    statements: dict[int, tuple[int, _Found]] = {}
    parts: dict[int, ImportedName] = {}
    for pattern, captures in matches:
        if "import" in captures:
            statement = captures["import"][0]
            node = next(captures[key][0] for key in ("module", "tree", "own") if key in captures)
            found = by_module.get(node.start_byte)
            if found is None:
                module = SELF if "own" in captures else source.text(node)
                found = by_module[node.start_byte] = _Found(module, statement.start_point[0] + 1)
                statements[statement.start_byte] = (statement.end_byte, found)
            _add(found, pattern, query.settings[pattern], captures, source)
        elif "part.name" in captures:
            name = captures["part.name"][0]
            local = captures["part.as"][0] if "part.as" in captures else name
            parts[name.start_byte] = ImportedName(source.text(name), source.text(local))
    _join_parts(statements, parts)
    namespaces = [known for known in definitions if known.kind in NAMESPACES]
    return [made for start in sorted(by_module) for made in _imports(by_module[start], start, namespaces)]


def _add(
    found: _Found,
    pattern: int,
    settings: dict[str, str | None],
    captures: dict[str, list[Node]],
    source: Source,
) -> None:
    if pattern < found.pattern:
        found.pattern = pattern
        found.kind, found.separator = settings.get("kind") or "import", settings.get("separator") or ""
    for name in captures.get("name", ()):
        text = source.text(name).lstrip(":")
        local = source.text(captures["as"][0]) if "as" in captures else settings.get("local") or text
        found.names[name.start_byte] = ImportedName(text, local)
    for name in captures.get("default", ()):
        found.names[name.start_byte] = ImportedName("default", source.text(name))
    if "alias" in captures:
        found.alias = source.text(captures["alias"][0])
    found.is_wildcard |= "wildcard" in captures
    found.is_type_only |= "type" in captures


def _join_parts(statements: dict[int, tuple[int, _Found]], parts: dict[int, ImportedName]) -> None:
    """Gives each name that was matched alone to the statement in which it stands."""
    starts = sorted(statements)
    for place, name in parts.items():
        index = bisect_right(starts, place) - 1
        if index >= 0 and place < statements[starts[index]][0]:
            statements[starts[index]][1].names[place] = name


def _imports(found: _Found, start: int, namespaces: Sequence[Definition]) -> list[Import]:
    around = [known.qualified_name for known in namespaces if known.start <= start < known.end]
    scope = around[-1] if around else ""
    if found.separator:
        return [
            Import(found.kind, module, tuple(names), "", is_wildcard, False, scope, found.line)
            for module, names, is_wildcard in leaves(found.module, found.separator)
        ]
    module, names = found.module.strip("\"'"), tuple(found.names[start] for start in sorted(found.names))
    return [Import(found.kind, module, names, found.alias, found.is_wildcard, found.is_type_only, scope, found.line)]


def read_packages(matches: Iterable[Match], source: Source) -> tuple[str, ...]:
    """The packages or namespaces that a file declares, as written but without blanks."""
    nodes = [captures["package"][0] for _, captures in matches if "package" in captures]
    return tuple(dict.fromkeys("".join(source.text(node).split()) for node in nodes))
