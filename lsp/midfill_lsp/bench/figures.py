"""What the benchmarks have in common: how far they are, and percentiles of what they measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

Progress = Callable[[str], None]


def percentile(values: Sequence[float], percent: int, n_digits: int = 1) -> float:
    """Of two values or more, between the smallest and the largest of them."""
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], n_digits)
