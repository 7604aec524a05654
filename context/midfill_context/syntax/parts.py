"""What part each node of a syntax tree plays, by its type: `parts.toml`, resolved for each grammar once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Literal, get_args

from midfill_context.languages import language
from midfill_context.syntax.grammars import grammar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Part = Literal["comment", "string", "imports", "arguments", "body", "control", "definition"]
PARTS: tuple[Part, ...] = get_args(Part)


@cache
def parts(language_id: str) -> Mapping[int, Part]:
    """The part of each node by its `kind_id`, for the types that play one; empty without a grammar."""
    row, found = language(language_id), grammar(language_id)
    if row is None or found is None:
        return {}
    tables = patterns()
    name = row.grammar.partition(":")[0].removeprefix("tree_sitter_")
    named = (kind for kind in range(found.node_kind_count) if found.node_kind_is_named(kind))
    pairs = ((kind, _part(found.node_kind_for_id(kind) or "", tables.get(name, {}), tables["any"])) for kind in named)
    return {kind: part for kind, part in pairs if part is not None}


def _part(kind: str, *tables: Mapping[Part, list[str]]) -> Part | None:
    for table in tables:
        for part, wanted in table.items():
            if any(fnmatchcase(kind, pattern) for pattern in wanted):
                return part
    return None


@cache
def patterns() -> dict[str, dict[Part, list[str]]]:
    """The table: patterns of types by part, for all grammars (`any`) and by the name of a grammar."""
    text = (resources.files(__package__) / "parts.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[Part, list[str]]] = tomllib.loads(text)
    return tables
