"""What a file says of itself, read off one syntax tree: definitions, imports, identifiers, chunks.

A file of a language without a grammar has identifiers and chunks all the same, by its words and blank lines.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from midfill_context.syntax.chunks import Lines, plain_chunks, syntax_chunks
from midfill_context.syntax.definitions import Definition, read_definitions
from midfill_context.syntax.grammars import parse
from midfill_context.syntax.imported import Import, read_imports, read_packages
from midfill_context.syntax.queries import LanguageQuery, language_query
from midfill_context.syntax.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Tree

_WORD = re.compile(rb"[^\W\d]\w{0,79}")
# Bounds the states that a query keeps open in a file of thousands of siblings.
_MATCH_LIMIT = 256


@dataclass(frozen=True)
class Limits:
    """What is read of a file at most, so that no file costs more than a moment. Beyond `max_bytes` nothing is."""

    max_bytes: int = 1 << 19
    max_definitions: int = 2000
    max_identifiers: int = 2000
    chunk_lines: int = 30


@dataclass(frozen=True)
class FileFacts:
    """The facts of one file. `language` is an id of `languages.toml`; `identifiers` are counts by word.

    `packages` are the packages or namespaces that the file declares, where the language has such.
    """

    language: str
    definitions: tuple[Definition, ...] = ()
    imports: tuple[Import, ...] = ()
    packages: tuple[str, ...] = ()
    identifiers: Mapping[str, int] = field(default_factory=dict)
    chunks: tuple[Lines, ...] = ()


def read_facts(language: str, source: bytes, tree: Tree | None = None, limits: Limits = Limits()) -> FileFacts:
    """The facts of a source in UTF-8; `tree` is its syntax tree where the caller has one."""
    if len(source) > limits.max_bytes:
        source, tree = source[: limits.max_bytes], None
    read = Source(language, source)
    query = language_query(language)
    tree = tree or parse(language, source)
    if query is None or tree is None:
        words = _counted(_WORD.findall(source), limits)
        return FileFacts(language, identifiers=words, chunks=plain_chunks(read.lines, read.n_lines, limits.chunk_lines))
    return _facts(read, tree, query, limits)


def _facts(source: Source, tree: Tree, query: LanguageQuery, limits: Limits) -> FileFacts:
    from tree_sitter import QueryCursor

    root = tree.root_node
    matches = QueryCursor(query.structure, match_limit=_MATCH_LIMIT).matches(root)
    nodes = QueryCursor(query.identifiers).captures(root).get("identifier", [])
    definitions = read_definitions(matches, source, limits.max_definitions)
    return FileFacts(
        source.language,
        tuple(definitions),
        tuple(read_imports(matches, query, source, definitions)),
        read_packages(matches, source),
        _counted([source.data[node.start_byte : node.end_byte] for node in nodes], limits),
        syntax_chunks(root, source.n_lines, limits.chunk_lines),
    )


def _counted(words: list[bytes], limits: Limits) -> dict[str, int]:
    counts = Counter(words)
    if len(counts) > limits.max_identifiers:
        counts = Counter(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: limits.max_identifiers]))
    return {word.decode(errors="replace"): count for word, count in counts.items()}
