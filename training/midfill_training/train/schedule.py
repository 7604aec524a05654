"""How far a run is, and the learning rate there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from midfill_training.train.settings import Training


@dataclass(frozen=True)
class Schedule:
    """A run is over after `steps`, or after `minutes` where they are given: what comes first.

    The learning rate follows whichever is further on, so that its decay ends with the run on a machine of any speed,
    in one go or in slices.
    """

    training: Training
    steps: int

    def is_over(self, step: int, elapsed_s: float) -> bool:
        """Whether `step` (counted from 0) is not to be taken any more."""
        return step >= self.steps or (self.training.minutes > 0 and elapsed_s >= 60 * self.training.minutes)

    def learning_rate(self, step: int, elapsed_s: float) -> float:
        """For one step: a straight line up over `warmup`, then a cosine from `lr_max` to `lr_min`."""
        settings = self.training
        share = (step + 1) / self.steps
        if settings.minutes:
            share = max(share, elapsed_s / (60 * settings.minutes))
        share = min(1.0, share)
        if share < settings.warmup:
            return settings.lr_max * share / settings.warmup
        decayed = (share - settings.warmup) / (1 - settings.warmup)
        return settings.lr_min + (settings.lr_max - settings.lr_min) * (1 + math.cos(math.pi * decayed)) / 2


def planned_steps(training: Training, n_rows: int) -> int:
    """How many steps the settings ask for."""
    return training.steps or max(1, math.ceil(training.epochs * n_rows / training.batch_rows))
