"""How sure a figure is: bootstrap intervals over whole clusters of cases.

The lines of one problem, or the places of one file, are no independent evidence; drawn one by one they would give
intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N_RESAMPLES = 2000
CONFIDENCE = 0.95
_MAX_DRAWN = 2_000_000  # cluster numbers at a time


@dataclass(frozen=True)
class Estimate:
    """A figure, its 95 % interval, and how many cases it is over."""

    value: float
    low: float
    high: float
    n_cases: int


def estimate_share(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """The mean of scores from 0 to 1. Where all are 0 (or 1) no resample differs; there the rule of three is used."""
    found = estimate_ratio(values, [1.0] * len(values), clusters)
    if found.value not in (0.0, 1.0):
        return found
    unseen = 1 - (1 - CONFIDENCE) ** (1 / len(set(clusters)))
    return replace(found, high=unseen) if found.value == 0 else replace(found, low=1 - unseen)


def estimate_ratio(values: Sequence[float], weights: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """The sum of `values` over that of `weights`, which are not all 0. One cluster tells no spread: then cases do."""
    import numpy as np

    drawn = clusters if len(set(clusters)) > 1 else range(len(clusters))
    _, cluster = np.unique(np.asarray(drawn), return_inverse=True)
    sums, totals = (np.bincount(cluster, each).astype(np.float64) for each in (values, weights))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(np.concatenate(_resampled(sums, totals)), (tail, 1 - tail))
    return Estimate(float(sums.sum() / totals.sum()), float(low), float(high), len(values))


def _resampled(sums: NDArray[np.float64], totals: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The ratio in resamples of the clusters, always the same ones."""
    import numpy as np

    rng = np.random.default_rng(0)
    n_at_once = max(_MAX_DRAWN // len(sums), 1)
    ratios = []
    for start in range(0, N_RESAMPLES, n_at_once):
        drawn = rng.integers(len(sums), size=(min(n_at_once, N_RESAMPLES - start), len(sums)))
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios.append(sums[drawn].sum(axis=1) / totals[drawn].sum(axis=1))
    return ratios
