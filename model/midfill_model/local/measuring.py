"""Measures what suits a model on this machine, while nobody waits for it and in less than ten seconds.

Candidates take turns, so that a busy moment hits all of them, and their medians are compared. What is a little slower
but takes fewer threads, or loses less when it is interrupted, is preferred.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from midfill_model.local.kv_cache import BRANCH
from midfill_model.local.sampling import Logits
from midfill_model.local.tuning import Tuning

BUDGET_S = 8.0
N_ROUNDS = 3
MICRO_BATCHES = (64, 32, 16)
# A keystroke's work: a little to read, and some tokens to write.
N_TYPED_TOKENS = 16
N_WRITTEN_TOKENS = 4
# A prompt that takes longer is out of date before it is read.
LONGEST_READ_S = 30.0
TOLERANCE_THREADS = 1.05
TOLERANCE_MICRO_BATCH = 1.1


class Rig(Protocol):
    """What a llama context can do; see `LlamaContext`."""

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]: ...
    def truncate(self, sequence: int, n_tokens: int) -> None: ...
    def set_threads(self, n_threads: int) -> None: ...


def measure(rig: Rig, n_default_threads: int, n_cores: int) -> Tuning:
    """What suits best; the rig then runs with that many threads. Raises Interrupted, and then leaves it as it was."""
    started = perf_counter()
    others = {1 << exponent for exponent in range(n_cores.bit_length())} | {n_cores}
    nearest_first = sorted(others | {n_default_threads}, key=lambda n_threads: abs(n_threads - n_default_threads))
    n_threads = n_default_threads
    try:
        by_threads = _race(nearest_first, lambda n: _keystroke_s(rig, n), started + BUDGET_S / 2)
        n_threads = _smallest(by_threads, TOLERANCE_THREADS)
        rig.set_threads(n_threads)
        by_batch = _race(MICRO_BATCHES, lambda n: _reading_s(rig, n), started + BUDGET_S)
    finally:
        rig.truncate(BRANCH, 0)
        rig.set_threads(n_threads)
    n_micro_batch = _smallest(by_batch, TOLERANCE_MICRO_BATCH)
    tokens_per_s = MICRO_BATCHES[0] / by_batch[n_micro_batch]
    return Tuning(n_threads, n_micro_batch, max(round(tokens_per_s * LONGEST_READ_S), 1), round(tokens_per_s, 1))


def _race(candidates: Sequence[int], seconds_of: Callable[[int], float], end: float) -> dict[int, float]:
    """The median of each candidate's times; the last ones are left out if time runs out before their turn."""
    seconds: dict[int, list[float]] = {}
    for candidate in N_ROUNDS * tuple(candidates):
        seconds.setdefault(candidate, []).append(seconds_of(candidate))
        if perf_counter() > end:
            break
    return {candidate: statistics.median(taken) for candidate, taken in seconds.items()}


def _smallest(seconds: dict[int, float], tolerance: float) -> int:
    best = min(seconds.values())
    return min(candidate for candidate, taken in seconds.items() if taken <= tolerance * best)


def _keystroke_s(rig: Rig, n_threads: int) -> float:
    rig.set_threads(n_threads)
    return _seconds(rig, [N_TYPED_TOKENS, *[1] * N_WRITTEN_TOKENS])


def _reading_s(rig: Rig, n_micro_batch: int) -> float:
    return _seconds(rig, [n_micro_batch] * (MICRO_BATCHES[0] // n_micro_batch))


def _seconds(rig: Rig, batches: Sequence[int]) -> float:
    """What it takes to evaluate so many tokens after one another, whichever they are."""
    rig.truncate(BRANCH, 0)
    started = perf_counter()
    position = 0
    for n_tokens in batches:
        rig.decode(range(n_tokens), position, BRANCH, 1)
        position += n_tokens
    return perf_counter() - started
