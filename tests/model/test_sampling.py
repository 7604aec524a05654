"""How the next token is chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from midfill_model.engine import Sampling
from midfill_model.local.sampling import Logits, choose

LOGITS: Logits = np.log(np.array([0.1, 0.5, 0.15, 0.2, 0.05], dtype=np.float32))
N_DRAWS = 4000


def shares(sampling: Sampling, allowed: list[int] | None = None) -> list[float]:
    """How often each token is drawn."""
    rng = np.random.default_rng(5)
    ids = None if allowed is None else np.array(allowed)
    drawn = [choose(LOGITS, sampling, rng, ids)[0] for _ in range(N_DRAWS)]
    return [drawn.count(token) / N_DRAWS for token in range(len(LOGITS))]


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_greedy(temperature: float) -> None:
    assert shares(Sampling(temperature)) == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(1.0), [0.1, 0.5, 0.15, 0.2, 0.05]),
        (Sampling(0.5), [0.031, 0.769, 0.069, 0.123, 0.008]),  # squared and scaled
        (Sampling(1e-9), [0, 1, 0, 0, 0]),
        (Sampling(1.0, top_p=0.6), [0, 5 / 7, 0, 2 / 7, 0]),
        (Sampling(1.0, top_p=0.5), [0, 1, 0, 0, 0]),
        (Sampling(1.0, top_p=0.0), [0, 1, 0, 0, 0]),
        (Sampling(1.0, min_p=0.25), [0, 10 / 17, 3 / 17, 4 / 17, 0]),
        (Sampling(1.0, min_p=1.0), [0, 1, 0, 0, 0]),
        (Sampling(1.0, min_p=7.0), [0, 1, 0, 0, 0]),
        (Sampling(1.0, top_p=0.75, min_p=0.35), [0, 5 / 7, 0, 2 / 7, 0]),
    ],
    ids=str,
)
def test_distribution(sampling: Sampling, expected: list[float]) -> None:
    assert shares(sampling) == pytest.approx(expected, abs=0.03)


def test_allowed_tokens_alone() -> None:
    assert shares(Sampling(), [0, 2, 4]) == [0, 0, 1, 0, 0]
    assert shares(Sampling(1.0), [0, 3]) == pytest.approx([1 / 3, 0, 0, 2 / 3, 0], abs=0.03)
    assert shares(Sampling(1.0, top_p=0.5), [4, 0]) == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("token", range(5))
def test_logprob_is_the_models_own(token: int) -> None:
    """Over all tokens, whatever is allowed and at whatever temperature."""
    chosen, logprob = choose(LOGITS + 100, Sampling(2.0), np.random.default_rng(0), np.array([token]))
    assert chosen == token
    assert math.exp(logprob) == pytest.approx(math.exp(LOGITS[token]), rel=1e-4)


def test_logprob_is_never_above_zero() -> None:
    sure = np.full(50_000, -1000.0, dtype=np.float32)
    sure[7] = 1000.0
    assert choose(sure, Sampling(), np.random.default_rng(0)) == (7, 0.0)


def test_same_seed_same_tokens() -> None:
    def draws(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        return [choose(LOGITS, Sampling(1.0), rng)[0] for _ in range(50)]

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)
