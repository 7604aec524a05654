"""Chooses the next token from the model's logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from midfill_model.engine import Sampling

Logits = NDArray[np.float32]


def choose(
    logits: Logits,
    sampling: Sampling,
    rng: np.random.Generator,
    allowed: NDArray[np.int64] | None = None,
) -> tuple[int, float]:
    """The next token and its natural log-probability under the model.

    `logits` has one entry a token of the vocabulary. With `allowed`, only these ids may be chosen; the
    log-probability still is the model's own, over all tokens.
    """
    candidates = logits if allowed is None else logits[allowed]
    best = int(candidates.argmax()) if sampling.temperature <= 0 else _draw(candidates, sampling, rng)
    token = best if allowed is None else int(allowed[best])
    return token, float(logits[token]) - _log_sum_exp(logits)


def _draw(logits: Logits, sampling: Sampling, rng: np.random.Generator) -> int:
    probabilities = np.exp((logits - logits.max()) / sampling.temperature, dtype=np.float64)
    probabilities[probabilities < min(sampling.min_p, 1.0)] = 0.0  # the best one is 1 here: min_p is relative to it
    probabilities /= probabilities.sum()
    if sampling.top_p < 1.0:
        order = np.argsort(-probabilities)
        n_kept = int(np.searchsorted(np.cumsum(probabilities[order]), sampling.top_p)) + 1
        probabilities[order[n_kept:]] = 0.0
        probabilities /= probabilities.sum()
    return int(rng.choice(len(probabilities), p=probabilities))


def _log_sum_exp(logits: Logits) -> float:
    best = float(logits.max())
    return best + float(np.log(np.exp(logits - best).sum()))
