"""Chunks cover a file, keep to their size and end where statements end."""

from __future__ import annotations

import random

import pytest

from midfill_context.languages import language, languages
from midfill_context.syntax.facts import Limits, read_facts

Lines = tuple[int, int]


def chunks(code: str, max_lines: int, language: str = "python") -> tuple[Lines, ...]:
    return read_facts(language, code.encode(), limits=Limits(chunk_lines=max_lines)).chunks


def function(name: str, n_lines: int) -> str:
    return f"def {name}():\n" + "    pass\n" * (n_lines - 1)


@pytest.mark.parametrize(
    ("code", "max_lines", "expected"),
    [
        pytest.param("", 10, (), id="empty"),
        pytest.param("x = 1", 10, ((1, 1),), id="one line"),
        pytest.param("x = 1\n", 10, ((1, 1),), id="one line and its end"),
        pytest.param(function("f", 6) + function("g", 6), 10, ((1, 6), (7, 12)), id="a function each"),
        pytest.param(function("f", 3) + function("g", 3) + function("h", 3), 6, ((1, 6), (7, 9)), id="two together"),
        pytest.param(function("f", 6) + "# about g\n" + function("g", 6), 10, ((1, 6), (7, 13)), id="comment"),
        pytest.param(function("f", 25), 10, ((1, 10), (11, 20), (21, 25)), id="a long function"),
        pytest.param("class A:\n" + "    def m(self):\n        a\n        b\n        c\n" * 4, 10,
                     ((1, 9), (10, 17)), id="a long class is cut between methods"),
        pytest.param("x = '''\n" + "text\n" * 18 + "'''\n", 10, ((1, 10), (11, 20)), id="nothing to cut at"),
    ],
)  # fmt: skip
def test_chunks(code: str, max_lines: int, expected: tuple[Lines, ...]) -> None:
    assert chunks(code, max_lines) == expected


def test_a_language_without_a_grammar_is_cut_at_blank_lines() -> None:
    code = "a\nb\nc\n\nd\ne\nf\ng\n"
    assert chunks(code, 6, "swift") == ((1, 4), (5, 8))


@pytest.mark.parametrize("language_id", [row.id for row in languages() if row.grammar] + ["markdown"])
def test_chunks_cover_any_text(language_id: str) -> None:
    rng = random.Random(language_id)
    known = language(language_id)
    words = [
        "def f():",
        "class A {",
        "}",
        "{",
        "x = 1;",
        "",
        "  y",
        "end",
        (known and known.line_comment) or "-",
        "(",
        "'",
    ]
    for _ in range(20):
        n_lines = rng.randrange(80)
        code = "\n".join(rng.choice(words) for _ in range(n_lines)) + "."
        found = chunks(code, 7, language_id)
        lines = [number for first, last in found for number in range(first, last + 1)]
        assert lines == list(range(1, code.count("\n") + 2))
        assert all(last - first < 7 for first, last in found)
