"""What the benchmarks have in common: how far they are, percentiles of what they measured, and what disturbed them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import psutil

Progress = Callable[[str], None]


def percentile(values: Sequence[float], percent: int, n_digits: int = 1) -> float:
    """Of two values or more, between the smallest and the largest of them."""
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], n_digits)


class StolenTime:
    """What other machines have of a virtual one's processors, from when this is made; 0 where that is not told."""

    def __init__(self) -> None:
        self._stolen_s, self._all_s = _processor_s()

    @property
    def share(self) -> float:
        """Of the processors' time since then."""
        stolen_s, all_s = _processor_s()
        return round((stolen_s - self._stolen_s) / max(all_s - self._all_s, 1e-9), 3)


def _processor_s() -> tuple[float, float]:
    """Seconds of all processors since the start of the system: those that other machines had, and all."""
    times = psutil.cpu_times()
    return getattr(times, "steal", 0.0), sum(times)
