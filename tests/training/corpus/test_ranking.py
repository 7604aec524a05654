"""Scores of projects, which are dropped, and where the counts come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from midfill_training.corpus.members import Origin
from midfill_training.corpus.ranking import best_first, drop_lowest, read_ranking, scores, with_ranking
from midfill_training.corpus.records import Decisions, Record, is_test
from midfill_training.errors import BadInput


def project(name: str, stars: int | None = None, commits: int | None = None, n_tests: int = 0) -> Record:
    return Record(0, name, Origin(name, "", stars, commits), n_tests, ())


def test_scores_rank_what_is_known() -> None:
    found = scores([project("a", 10, 5, 1), project("b", 1000, None, 1), project("c", None, 50, 1)])
    assert found == {"a": pytest.approx(1 / 3), "b": pytest.approx(0.625), "c": pytest.approx(0.625)}


def test_the_lowest_tenth_goes() -> None:
    decisions = Decisions()
    drop_lowest([project(f"p{n:02}", stars=n) for n in range(25)], 0.1, decisions)
    assert sorted(decisions.projects) == ["p00", "p01"]


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_equal_projects_stay(share: float) -> None:
    decisions = Decisions()
    drop_lowest([project(f"p{n}") for n in range(20)], share, decisions)
    assert decisions.projects == {}


def test_best_first_without_counts_is_by_name() -> None:
    assert [each.key for each in best_first([project("b"), project("a"), project("c", n_tests=1)])] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", "name,stars,commits\na,5,\nb,,7\n"),
        ("r.json", '{"a": {"stars": 5}, "b": {"commits": 7}}'),
    ],
)
def test_a_ranking_completes_what_sources_say(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    ranking = read_ranking(tmp_path / name)
    found = with_ranking([project("a-1.0", 1, 2), project("someone/b"), project("c", 3)], ranking)
    assert [(each.origin.stars, each.origin.commits) for each in found] == [(5, 2), (None, 7), (3, None)]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "name,stars\na,many\n"])
def test_no_ranking(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text or "\xff", encoding="latin-1")
    with pytest.raises(BadInput, match="is no ranking"):
        read_ranking(tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True),
        ("src/test_a.py", True),
        ("pkg/a_test.go", True),
        ("src/a.spec.ts", True),
        ("src/main/FooTest.java", True),
        ("__tests__/a.js", True),
        ("src/latest.py", False),
        ("src/contest.java", False),
        ("src/attest/a.py", False),
    ],
)
def test_what_is_a_test(path: str, expected: bool) -> None:
    assert is_test(path) is expected
