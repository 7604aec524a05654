"""How fast this machine reads prompts just now: a running measurement, by which waits are foreseen."""

from __future__ import annotations

import statistics
from collections import deque

# Micro-batches that count: their median forgets the one in which the machine was held up, and follows when it is busy.
N_MEASURED = 9
# Smaller ones cost nearly as much as one token does and say nothing of long prompts.
MIN_MEASURED_TOKENS = 8
# Before anything was measured: what a small model does on an old laptop.
FIRST_GUESS_TOKENS_PER_S = 100.0


class ReadingSpeed:
    """Fed with what each micro-batch took."""

    def __init__(self, guess_tokens_per_s: float = FIRST_GUESS_TOKENS_PER_S) -> None:
        self._tokens_per_s = deque([guess_tokens_per_s], maxlen=N_MEASURED)
        self._is_guess = True

    def note(self, n_tokens: int, seconds: float) -> None:
        """So many tokens took so long."""
        if n_tokens < MIN_MEASURED_TOKENS or seconds <= 0:
            return
        if self._is_guess:
            self._tokens_per_s.clear()
            self._is_guess = False
        self._tokens_per_s.append(n_tokens / seconds)

    @property
    def tokens_per_s(self) -> float:
        """What to expect of the next prompt."""
        return statistics.median(self._tokens_per_s)

    def ms(self, n_tokens: int) -> float:
        """How long reading so many tokens will take."""
        return 1000 * n_tokens / self.tokens_per_s
