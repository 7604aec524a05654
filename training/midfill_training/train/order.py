"""Which rows a step sees: a pure function of the seed and the step, so that a resumed run needs to know no more.

Rows that continue each other (PAPER.md section 3) form blocks. Blocks are shuffled anew each epoch; within a wave of
blocks, place `i` of a batch walks through block `i`, one row a step, as Transformer-XL orders its batches: globally
random, locally in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """Every row once an epoch; epochs follow each other without a gap."""

    n_rows: int
    batch_rows: int
    block_rows: int
    seed: int

    def rows(self, step: int) -> NDArray[np.int64]:
        """The rows of one step, shape (batch_rows,)."""
        at = np.arange(step * self.batch_rows, (step + 1) * self.batch_rows)
        epochs, places = at // self.n_rows, at % self.n_rows
        found = np.empty(self.batch_rows, dtype=np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            found[here] = _epoch(self, int(epoch))[places[here]]
        return found


@lru_cache(maxsize=2)
def _epoch(order: Order, epoch: int) -> NDArray[np.int64]:
    """All rows in the order of one epoch."""
    n_blocks = -(-order.n_rows // order.block_rows)
    blocks = np.random.default_rng((order.seed, epoch)).permutation(n_blocks)
    n_waves = -(-n_blocks // order.batch_rows)
    places = np.full(n_waves * order.batch_rows, n_blocks, dtype=np.int64)  # blocks past the end hold no row
    places[:n_blocks] = blocks
    rows = places.reshape(n_waves, 1, order.batch_rows) * order.block_rows + np.arange(order.block_rows)[:, None]
    flat = rows.reshape(-1)
    return flat[flat < order.n_rows]
