"""Intervals: that they cover what they should, and what they do where a bootstrap is blind."""

from __future__ import annotations

import numpy as np
import pytest

from midfill_training.evaluation.intervals import estimate_ratio, estimate_share

COVERED = range(88, 101)  # of 100 tries; the bootstrap of 40 clusters is a little too narrow


def draws(n_clusters: int, n_each: int, seed: int) -> tuple[list[float], list[str]]:
    """Answers that are right half of the time, all or none of a cluster."""
    right = np.random.default_rng(seed).integers(2, size=n_clusters)
    return [float(each) for each in right for _ in range(n_each)], [
        str(c) for c in range(n_clusters) for _ in range(n_each)
    ]


@pytest.mark.parametrize("n_each", [1, 8])
def test_the_interval_covers_the_truth(n_each: int) -> None:
    found = [estimate_share(*draws(40, n_each, seed)) for seed in range(100)]
    assert sum(each.low <= 0.5 <= each.high for each in found) in COVERED


def test_cases_of_one_problem_are_no_independent_evidence() -> None:
    values, clusters = draws(40, 8, seed=1)
    clustered, alone = estimate_share(values, clusters), estimate_share(values, list(map(str, range(len(values)))))
    assert clustered.value == alone.value
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_three_hundred_cases_give_about_five_points() -> None:
    values, clusters = draws(300, 1, seed=0)
    found = estimate_share(values, clusters)
    assert (found.high - found.low) / 2 == pytest.approx(0.055, abs=0.005)
    assert found.n_cases == 300


@pytest.mark.parametrize(("value", "interval"), [(0.0, (0.0, 0.0487)), (1.0, (0.9513, 1.0))])
def test_where_all_are_alike_the_rule_of_three(value: float, interval: tuple[float, float]) -> None:
    found = estimate_share([value] * 60, [str(number) for number in range(60)])
    assert (found.low, found.high) == pytest.approx(interval, abs=1e-3)


def test_a_single_cluster_is_taken_apart() -> None:
    found = estimate_share([0.0, 1.0, 1.0, 0.0], ["same"] * 4)
    assert found.low < found.value == 0.5 < found.high


def test_a_ratio_is_of_sums() -> None:
    found = estimate_ratio([10, 30], [20, 20], ["a", "b"])
    assert (found.value, found.low, found.high) == (1.0, 0.5, 1.5)


def test_the_same_answers_give_the_same_interval() -> None:
    assert estimate_share(*draws(50, 2, 3)) == estimate_share(*draws(50, 2, 3))


def test_many_clusters_are_drawn_in_parts() -> None:
    values, clusters = draws(20_000, 1, seed=0)
    found = estimate_share(values[:4000], clusters[:4000])
    assert (found.high - found.low) / 2 == pytest.approx(0.0155, abs=0.001)
