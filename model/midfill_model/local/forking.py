"""Where other completions may leave the first one: at tokens that are nearly as likely as what it has there.

Of all completions that differ from the first by one choice, these are the likeliest. They share its tokens up to there,
and so its KV cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from midfill_model.local.sampling import Logits

# With SmolLM2, what began with a less likely token was the same text spaced otherwise, or of no use.
MIN_LIKELIHOOD = 0.01


@dataclass(frozen=True)
class Fork:
    """Another token behind the first `n_shared`; `likelihood` is in relation to the token that was chosen there."""

    n_shared: int
    token: int
    logprob: float
    likelihood: float


@dataclass
class Trace:
    """The tokens of a completion, and where up to `n_forks` others may leave it."""

    n_forks: int
    tokens: list[int] = field(default_factory=list)
    forks: list[Fork] = field(default_factory=list)

    def note(self, logits: Logits, allowed: NDArray[np.int64] | None, token: int, logprob: float) -> None:
        """A token was chosen, of all or of those that are allowed; natural logarithms."""
        candidates = logits if allowed is None else logits[allowed]
        n_best = min(self.n_forks + 1, len(candidates))
        best = np.argpartition(-candidates, n_best - 1)[:n_best]
        for other in map(int, best if allowed is None else allowed[best]):
            difference = float(logits[other] - logits[token])
            if other != token and difference >= math.log(MIN_LIKELIHOOD):
                self.forks.append(Fork(len(self.tokens), other, logprob + difference, math.exp(min(difference, 0.0))))
        self.tokens.append(token)

    def likeliest(self) -> list[Fork]:
        """The likeliest forks; of equals, the earlier one leads further away."""
        return sorted(self.forks, key=lambda fork: (-fork.likelihood, fork.n_shared))[: self.n_forks]
