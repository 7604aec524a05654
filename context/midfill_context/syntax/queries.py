"""The queries of each grammar: `queries/<grammar>/definitions.scm` and `imports.scm`, compiled on first need.

A file whose first line is `; inherits: NAME` takes the queries of another grammar as well. What the captures mean is
said in `queries/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from midfill_context.languages import language
from midfill_context.syntax.grammars import grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_INHERITS = "; inherits:"

# What `QueryCursor.matches` yields: the index of the pattern and the nodes by capture.
Match = tuple[int, "dict[str, list[Node]]"]


@dataclass(frozen=True)
class LanguageQuery:
    """What one language asks of its trees: structure (definitions and imports) in one run, identifiers in another.

    `settings` is what `#set!` says of each pattern.
    """

    structure: Query
    settings: tuple[dict[str, str | None], ...]
    identifiers: Query


@cache
def language_query(language_id: str) -> LanguageQuery | None:
    """The query of a language; None where it has no grammar."""
    row, found = language(language_id), grammar(language_id)
    if row is None or found is None:
        return None
    from tree_sitter import Query

    folder = row.grammar.partition(":")[0].removeprefix("tree_sitter_")
    text = _text(folder, "definitions") + _text(folder, "imports")
    structure, identifiers = Query(found, text), Query(found, text)
    for pattern in range(structure.pattern_count):
        pattern_text = text[structure.start_byte_for_pattern(pattern) : structure.end_byte_for_pattern(pattern)]
        (structure if "@identifier" in pattern_text else identifiers).disable_pattern(pattern)
    settings = tuple(structure.pattern_settings(i) for i in range(structure.pattern_count))
    return LanguageQuery(structure, settings, identifiers)


def _text(folder: str, name: str) -> str:
    """A query file with what it inherits."""
    file = resources.files("midfill_context") / "queries" / folder / f"{name}.scm"
    text = file.read_text(encoding="utf-8")
    first_line = text.partition("\n")[0]
    if first_line.startswith(_INHERITS):
        return _text(first_line.removeprefix(_INHERITS).strip(), name) + text
    return text
