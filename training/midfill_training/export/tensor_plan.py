"""One tensor of the output: where its rows come from, in which order, and what is added to them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint
from midfill_training.export.checkpoint import Source

CHUNK_VALUES = 4 * 2**20  # 16 MiB of float32: what conversion holds at a time, besides numpy's temporaries


@dataclass(frozen=True)
class LowRank:
    """What LoRA adds: `scale * b @ a`; `a` is (rank, columns), `b` (rows, rank), in the source's row order."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]
    scale: float


@dataclass(frozen=True)
class PlannedTensor:
    """`shape` in numpy's order (rows first). `rows[i]` is the source row that becomes row i; `None` keeps the order."""

    name: str
    shape: tuple[int, ...]
    source: Source
    rows: NDArray[np.int64] | None = None
    delta: LowRank | None = None

    @property
    def n_values(self) -> int:
        return math.prod(self.shape)

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows `first` to `last` (exclusive) of the output."""
        if self.rows is None:
            values = self.source.read(first, last)
            wanted = np.arange(first, last)
        else:
            wanted = self.rows[first:last]
            start = int(wanted.min())
            values = self.source.read(start, int(wanted.max()) + 1)[wanted - start]
        if self.delta is not None:
            values = values + self.delta.scale * (self.delta.b[wanted] @ self.delta.a)
        if not np.isfinite(values).all():
            raise BadCheckpoint(
                f"{self.source.name}: has values that are no numbers (NaN or infinite); "
                "training diverged or the file is damaged: export an earlier checkpoint"
            )
        return values

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """All rows, some at a time."""
        n_rows = self.shape[0]
        n_row = math.prod(self.shape[1:])
        step = max(1, CHUNK_VALUES // n_row)
        for first in range(0, n_rows, step):
            yield self.read(first, min(first + step, n_rows))


@dataclass(frozen=True)
class ComputedTensor:
    """A source that is computed from the configuration, not stored (`Source`)."""

    name: str
    values: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        return self.values[first:last]


def rope_rows(n_heads: int, head_size: int) -> NDArray[np.int64]:
    """The row order that turns rotation of halves (Hugging Face) into rotation of neighbours (llama.cpp's Llama).

    Within each head, row j of the first half and row j of the second half come to lie side by side.
    """
    rows = np.arange(n_heads * head_size, dtype=np.int64)
    order: NDArray[np.int64] = rows.reshape(n_heads, 2, head_size // 2).swapaxes(1, 2).reshape(-1)
    return order
