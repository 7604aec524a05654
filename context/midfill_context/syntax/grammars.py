"""tree-sitter grammars by language: one wheel each, named in `languages.toml`, loaded on first need."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from midfill_context.languages import language

if TYPE_CHECKING:
    from tree_sitter import Language, Tree


@cache
def grammar(language_id: str) -> Language | None:
    """The grammar of a language; None where there is none, or where its wheel is missing or does not fit."""
    row = language(language_id)
    if row is None or not row.grammar:
        return None
    from tree_sitter import Language

    module, _, function = row.grammar.partition(":")
    try:
        return Language(getattr(import_module(module), function)())
    except (ImportError, ValueError):  # ValueError: an ABI that this tree-sitter does not speak
        return None


def parse(language_id: str, source: bytes, old: Tree | None = None) -> Tree | None:
    """The syntax tree of a source in UTF-8; `old` is the edited tree of its former version. None without a grammar.

    tree-sitter holds the GIL meanwhile: about 10 MB/s.
    """
    found = grammar(language_id)
    if found is None:
        return None
    from tree_sitter import Parser

    return Parser(found).parse(source, old) if old is not None else Parser(found).parse(source)
