"""Where other completions may leave the first one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from midfill_model.local.forking import MIN_LIKELIHOOD, Trace

LOGITS = np.log(np.array([0.1, 0.5, 0.004, 0.3, 0.096], dtype=np.float32))


def tokens(trace: Trace) -> list[tuple[int, int]]:
    """The likeliest forks: where they are, and their tokens."""
    return [(fork.n_shared, fork.token) for fork in trace.likeliest()]


@pytest.mark.parametrize(
    ("allowed", "chosen", "expected"),
    [
        pytest.param(None, 1, [3, 0], id="the likeliest"),
        pytest.param([1, 2, 4], 1, [4], id="only what is allowed"),
        pytest.param([1], 1, [], id="no other"),
        pytest.param([2, 3], 3, [2], id="just likely enough"),
        pytest.param([2, 1], 1, [], id="not likely enough"),
        pytest.param(None, 4, [1, 3], id="likelier than what was drawn"),
    ],
)
def test_forks_at_a_token(allowed: list[int] | None, chosen: int, expected: list[int]) -> None:
    trace = Trace(2)
    trace.note(LOGITS, None if allowed is None else np.array(allowed), chosen, float(LOGITS[chosen]))
    assert tokens(trace) == [(0, token) for token in expected]
    for fork in trace.forks:
        assert math.exp(fork.logprob) == pytest.approx(math.exp(LOGITS[fork.token]), rel=1e-3)
        assert MIN_LIKELIHOOD <= fork.likelihood <= 1.0


@pytest.mark.parametrize("n_forks", [1, 2, 9])
def test_the_likeliest_of_all_tokens_come_first(n_forks: int) -> None:
    trace = Trace(n_forks)
    for chosen, other, likelihood in ((7, 3, 0.2), (8, 4, 0.9), (9, 5, 0.2), (2, 6, 0.5)):
        logits = np.full(10, -50.0, dtype=np.float32)
        logits[chosen], logits[other] = 0.0, math.log(likelihood)
        trace.note(logits, None, chosen, 0.0)
    assert tokens(trace) == [(1, 4), (3, 6), (0, 3), (2, 5)][:n_forks]
    assert trace.tokens == [7, 8, 9, 2]
