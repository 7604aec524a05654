"""The table of node types: every word of it says something, and every language has the parts that holes are made of."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from midfill_context.languages import languages
from midfill_context.syntax.grammars import grammar
from midfill_context.syntax.parts import PARTS, parts, patterns

WITH_GRAMMAR = [language.id for language in languages() if language.grammar]


def types(language_id: str) -> set[str]:
    found = grammar(language_id)
    assert found is not None
    return {
        found.node_kind_for_id(kind) or "" for kind in range(found.node_kind_count) if found.node_kind_is_named(kind)
    }


def test_no_pattern_is_dead() -> None:
    known = set().union(*(types(language_id) for language_id in WITH_GRAMMAR))
    dead = [
        (table, part, pattern)
        for table, rows in patterns().items()
        for part, wanted in rows.items()
        for pattern in wanted
        if not any(fnmatchcase(kind, pattern) for kind in known)
    ]
    assert dead == []


def test_tables_name_grammars_and_parts() -> None:
    grammars = {language.grammar.partition(":")[0].removeprefix("tree_sitter_") for language in languages()}
    assert set(patterns()) - {"any"} <= grammars
    assert {part for rows in patterns().values() for part in rows} == set(PARTS)


@pytest.mark.parametrize("language_id", WITH_GRAMMAR)
def test_every_language_has_the_parts_of_code(language_id: str) -> None:
    lacking = {"bash": {"arguments", "imports"}, "lua": {"imports"}, "ruby": {"imports"}}.get(language_id, set())
    assert set(parts(language_id).values()) == set(PARTS) - lacking


@pytest.mark.parametrize("language_id", ["yaml", "plaintext", "no-such-language", ""])
def test_without_a_grammar(language_id: str) -> None:
    assert parts(language_id) == {}
