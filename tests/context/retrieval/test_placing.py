"""Fusing, choosing and placing, on candidates made by hand."""

from __future__ import annotations

import pytest

from midfill_context.cursor import Chunk
from midfill_context.retrieval.candidates import Candidate, K, Source, fused, is_within, said_by
from midfill_context.retrieval.choosing import Budget, choose
from midfill_context.retrieval.placing import Placed, placed_anew

BUDGET = Budget(100, {"definitions": 0.6, "similar": 0.3, "recent": 0.2}, lambda chunk: len(chunk.text.split()))


def chunk(path: str, n_words: int = 25, first: int = 1, source: Source = "similar") -> Candidate:
    """A candidate whose lines have nothing in common with those of other paths; a word is a token."""
    text = "\n".join(f"{path}_{number}" for number in range(n_words))
    return Candidate(source, path, first, first + 9, f"{source} {path}", lambda: text)


def no_definitions(path: str, definitions: object) -> Chunk:
    raise AssertionError("there are none")


def paths(placed: list[Placed]) -> list[str]:
    return [one.snippet.chunk.path for one in placed]


def test_fusion_adds_up_what_points_at_one_place() -> None:
    found = fused([[chunk("a"), chunk("b")], [chunk("c", source="recent"), chunk("b", first=4, source="recent")]])
    assert [one.path for one in found] == ["b", "a", "c"]
    assert found[0].score == pytest.approx(2 / (K + 2))
    assert found[0].why == "similar b; recent b"
    assert [one.path for one in fused([[chunk("a")], [chunk("a", first=40)]])] == ["a", "a"]


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("def f(a): ...", "x = 1\n  def f(a):\n    return a\n", True),
        ("int f(int a) { ... }", "int f(int a) {\n  return a;\n}", True),
        ("def f(a): ...", "def f(b): ...", False),
        ("one\ntwo2\nthree\nfour", "three\nfour\nfive", False),
        ("}\n)\n", "x", True),
    ],
)
def test_what_says_nothing_new(text: str, other: str, expected: bool) -> None:
    assert is_within(said_by(text), [said_by(other)]) == expected


def test_a_source_gets_more_than_its_share_only_of_what_is_left() -> None:
    similar = [chunk(f"s{number}") for number in range(5)]
    recent = [chunk(f"r{number}", 15, source="recent") for number in range(3)]
    chosen = choose(fused([similar, recent]), BUDGET, frozenset())
    assert [one.path for one in chosen] == ["s0", "r0", "s1", "r1", "r2"]
    assert [one.path for one in choose(similar, BUDGET, similar[0].said)] == ["s1", "s2", "s3", "s4"]


def test_placing() -> None:
    first = placed_anew(fused([[chunk("a"), chunk("b"), chunk("c")]]), [], frozenset(), BUDGET, no_definitions)
    assert paths(first) == ["c", "b", "a"]
    appended = placed_anew(fused([[chunk("d"), chunk("a")]]), first, frozenset(), BUDGET, no_definitions)
    assert paths(appended) == ["c", "b", "a", "d"]
    assert [one.snippet.score > 0 for one in appended] == [False, False, True, True]
    wanted = fused([[chunk("e"), chunk("d")]])
    late = placed_anew(wanted, appended, frozenset(), BUDGET, no_definitions, is_complete=False)
    assert paths(late) == ["c", "b", "a", "d"]
    assert paths(placed_anew(wanted, appended, frozenset(), BUDGET, no_definitions)) == ["d", "e"]
