"""Two sets of answers against each other: only what both answered, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from midfill_training.errors import BadInput
from midfill_training.evaluation.comparison import compare_results, compare_runs
from midfill_training.evaluation.results import Answer, Origin
from midfill_training.evaluation.summary import summarise

ORIGIN = Origin("santacoder-fim", "d", "ours", "a", "midfill", 64, 1024)


def answers(right: str, run: str = "served", group: str = "py") -> list[Answer]:
    """One a character: 1 is right, 0 wrong, anything else not answered."""
    return [
        Answer(f"{group}{n}", run, group, f"{n}", "", "line", 2, 4, 1, 10.0 * n, 5.0, {"EM": float(each)})
        for n, each in enumerate(right)
        if each in "01"
    ]


def test_wins_and_losses() -> None:
    (found,) = compare_runs(answers("111100"), answers("110001"))
    assert (found.n_wins, found.n_losses, found.gain.n_cases) == (2, 1, 6)
    assert found.gain.value == pytest.approx(1 / 6)
    assert found.gain.low < 0 < found.gain.high


def test_only_common_cases_count() -> None:
    (found,) = compare_runs(answers("11-1"), answers("-110"))
    assert (found.gain.n_cases, found.gain.value) == (2, 0.5)
    assert compare_runs(answers("1---"), answers("-1--")) == []


def test_pairing_sees_what_intervals_hide() -> None:
    """Half of the cases are hopeless for both: each interval is wide, the difference is clear."""
    one, other = answers("1" * 30 + "0" * 20), answers("1" * 20 + "0" * 30)
    a, b = (summarise(each)[0].shares["EM"] for each in (one, other))
    assert a.low < b.high
    (found,) = compare_runs(one, other)
    assert found.gain.low > 0


def test_groups_and_all() -> None:
    one = answers("11", group="py") + answers("10", group="js")
    other = answers("00", group="py") + answers("10", group="js")
    assert [(each.group, each.gain.value) for each in compare_runs(one, other)] == [("py", 1), ("js", 0), ("all", 0.5)]


def test_a_metric_that_only_one_has_is_left_out() -> None:
    one = [replace(each, scores={"new": 1.0, **each.scores}) for each in answers("11")]
    assert [each.metric for each in compare_runs(one, answers("10"))] == ["EM"]


def test_files_are_compared_run_by_run() -> None:
    one = answers("11") + answers("10", "raw")
    other = answers("10") + answers("10", "prefix-only served")
    found = compare_results((ORIGIN, one), (replace(ORIGIN, model="theirs", model_sha256="b"), other))
    assert [(each.run, each.other, each.n_wins) for each in found] == [("served", "served", 1)]


@pytest.mark.parametrize(
    ("change", "other", "message"),
    [
        ({"suite": "safim"}, "11", "compare answers to the same cases"),
        ({"data_sha256": "e"}, "11", "compare answers to the same cases"),
        ({}, "--11", "have no case in common"),
    ],
)
def test_what_cannot_be_compared(change: dict[str, str], other: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        compare_results((ORIGIN, answers("11")), (replace(ORIGIN, **change), answers(other)))  # type: ignore[arg-type]


def test_a_summary_has_lengths_and_times() -> None:
    (line,) = summarise(answers("110"))
    assert (line.n_cases, line.mean_chars, line.mean_reference_chars) == (3, 2, 4)
    assert line.length_ratio is not None
    assert line.length_ratio.value == 0.5
    assert (line.p50_ms, line.p95_ms) == (15, 24)
    assert summarise([replace(each, n_reference_chars=0) for each in answers("11")])[0].length_ratio is None
