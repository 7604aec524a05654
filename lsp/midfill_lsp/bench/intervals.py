"""How sure a mean is: 95 % intervals by bootstrap over whole files, whose cursors are no independent evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` values with its interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def estimate(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """The mean of one value or more; `clusters` says which belong together. The same values give the same interval."""
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums, counts = np.bincount(cluster, values), np.bincount(cluster)
    drawn = np.random.default_rng(0).integers(len(sums), size=(N_RESAMPLES, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (0.025, 0.975))
    return Estimate(round(float(np.mean(values)), 4), round(float(low), 4), round(float(high), 4), len(values))
