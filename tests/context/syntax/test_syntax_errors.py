"""Syntax errors are counted wherever they are in the tree."""

from __future__ import annotations

import pytest

from midfill_context.syntax.errors import MAX_ERRORS, count_errors
from midfill_context.syntax.grammars import parse


@pytest.mark.parametrize(
    ("language", "source", "n_errors"),
    [
        ("python", "x = 1\n", 0),
        ("python", "", 0),
        ("python", "x = (1\n", 1),
        ("c", "int f() { return 1 }", 1),  # a semicolon was invented
        ("c", "int f() { return 1 } int g() { return 2 }", 2),
        ("java", "class A { int x = ; }", 1),
    ],
)
def test_count(language: str, source: str, n_errors: int) -> None:
    tree = parse(language, source.encode())
    assert tree is not None
    assert count_errors(tree.root_node) == n_errors


def test_counting_has_an_end() -> None:
    tree = parse("c", b"int f() { return 1 }\n" * (MAX_ERRORS + 500))
    assert tree is not None
    assert count_errors(tree.root_node) == MAX_ERRORS
