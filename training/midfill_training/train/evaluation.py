"""How well the model does on rows it is not trained on: loss by objective, and exact match of middles.

Exact match needs no generation. Greedy decoding writes the most likely token after every prefix, so it writes the
middle if and only if each token of the middle is the most likely one after the true tokens before it: the first that is
not is where decoding would leave the way. One forward pass over the rows answers that for all their middles at once.
(A middle that decoding spells with other tokens counts as missed: the figure is a lower bound.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from midfill_training.objectives.examples import OBJECTIVES
from midfill_training.train.batches import Batch, Reading
from midfill_training.train.learner import run_batch
from midfill_training.train.processes import Processes


@dataclass(frozen=True)
class Evaluation:
    """Mean loss in nats of each objective that occurs, and of all; `exact_match` is a share of `n_middles`."""

    loss: float
    by_objective: dict[str, float]
    exact_match: float | None = None
    n_middles: int = 0

    @property
    def perplexity(self) -> dict[str, float]:
        """By objective."""
        return {name: math.exp(min(loss, 700.0)) for name, loss in self.by_objective.items()}


@dataclass(frozen=True)
class Evaluator:
    """`valid` is what the loss is measured on, `fim` rows whose loss counts middles alone; `n_rows` of each at most."""

    valid: Reading
    fim: Reading | None
    n_rows: int
    device: torch.device

    def evaluate(self, learner: torch.nn.Module, processes: Processes) -> Evaluation:
        """Every process takes its share of the rows; all get the same answer."""
        learner.eval()
        sums, exact = np.zeros((len(OBJECTIVES), 2)), np.zeros(2)
        for batch, losses, _ in self._scored(self.valid, learner):
            sums[:, 0] += np.bincount(batch.objective, weights=losses, minlength=len(OBJECTIVES))
            sums[:, 1] += np.bincount(batch.objective, minlength=len(OBJECTIVES))
        for batch, _, hits in self._scored(self.fim, learner) if self.fim else ():
            has_hole = batch.objective != OBJECTIVES.index("ntp")
            exact += exact_matches(hits[has_hole], batch.places.numpy()[has_hole])
        learner.train()
        totals = processes.total(torch.from_numpy(np.append(sums.ravel(), exact))).numpy()
        sums, (n_exact, n_middles) = totals[:-2].reshape(sums.shape), totals[-2:]
        return Evaluation(
            loss=float(sums[:, 0].sum() / max(1.0, sums[:, 1].sum())),
            by_objective={
                name: float(total / count) for name, (total, count) in zip(OBJECTIVES, sums, strict=True) if count
            },
            exact_match=float(n_exact / n_middles) if n_middles else None,
            n_middles=int(n_middles),
        )

    def _scored(
        self, reading: Reading, learner: torch.nn.Module
    ) -> Iterator[tuple[Batch, NDArray[np.float32], NDArray[np.bool_]]]:
        """Batches with the loss and the hit of each target. All processes get equally many rows, spread over all."""
        n_rows = max(reading.world, min(self.n_rows, len(reading.rows)) // reading.world * reading.world)
        chosen = np.linspace(0, len(reading.rows) - 1, n_rows).astype(np.int64)[reading.rank :: reading.world]
        for at in range(0, len(chosen), reading.micro_rows):
            batch = reading.batch(chosen[at : at + reading.micro_rows])
            with torch.no_grad():
                losses, hits = run_batch(learner, batch.to(self.device))
            yield batch, losses.cpu().numpy(), hits.cpu().numpy()


def exact_matches(hits: NDArray[np.bool_], places: NDArray[np.int64]) -> tuple[int, int]:
    """How many middles are right in every token, and how many there are: a middle is a run of neighbouring places."""
    if not len(places):
        return 0, 0
    starts = np.flatnonzero(np.diff(places, prepend=places[0] - 2) != 1)
    return int(np.logical_and.reduceat(hits, starts).sum()), len(starts)
