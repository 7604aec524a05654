"""Batches: rows of tokens as tensors on the device, read ahead by a thread so that no step waits for the disk."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from midfill_training.errors import BadInput
from midfill_training.packing.rows import Rows
from midfill_training.train.order import Order


@dataclass(frozen=True)
class Batch:
    """Rows that go through the model together, and what their loss counts.

    tokens      (rows, length) int64
    group       (rows, length) int32, or None where attention is not isolated
    places      (targets,) int64: the flat places whose next token counts. Found on the host: to look for them on a GPU
                would make the host wait for it
    targets     (targets,) int64: those next tokens
    objective   (targets,) uint8: index into OBJECTIVES; stays on the host
    """

    tokens: torch.Tensor
    group: torch.Tensor | None
    places: torch.Tensor
    targets: torch.Tensor
    objective: NDArray[np.uint8]

    def to(self, device: torch.device) -> Batch:
        """The batch on the device; from pinned memory, so that the copy runs beside the computing."""
        if device.type == "cpu":
            return self
        group = None if self.group is None else _sent(self.group, device)
        tokens, places, targets = (_sent(each, device) for each in (self.tokens, self.places, self.targets))
        return Batch(tokens, group, places, targets, self.objective)


@dataclass(frozen=True)
class StepBatches:
    """What one process computes in one step; `n_targets` is of all processes together."""

    batches: tuple[Batch, ...]
    n_targets: int


@dataclass(frozen=True)
class Reading:
    """How rows become batches: the part of each step for process `rank` of `world`, `micro_rows` at a time."""

    rows: Rows
    isolate: bool
    n_vocab: int
    micro_rows: int
    rank: int = 0
    world: int = 1

    def step(self, indices: NDArray[np.int64]) -> StepBatches:
        """The share of this process in the rows of one step."""
        mine = indices[self.rank :: self.world]
        batches = tuple(self.batch(mine[at : at + self.micro_rows]) for at in range(0, len(mine), self.micro_rows))
        if self.world == 1:
            return StepBatches(batches, sum(len(batch.targets) for batch in batches))
        return StepBatches(batches, int(self._counted(indices).sum()))

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """These rows, in this order; BadInput for a token that the model does not have."""
        tokens = np.asarray(self.rows.tokens[indices]).astype(np.int64)
        if int(tokens.max()) >= self.n_vocab:
            raise BadInput(
                f"the rows hold token {int(tokens.max()):,} and the model has {self.n_vocab:,} tokens; pack the rows "
                "with the tokenizer of this model"
            )
        rows, columns = np.nonzero(self._counted(indices))
        places = rows * self.rows.length + columns
        return Batch(
            tokens=torch.from_numpy(tokens),
            group=torch.from_numpy(self.rows.group[indices].astype(np.int32)) if self.isolate else None,
            places=torch.from_numpy(places),
            targets=torch.from_numpy(tokens[rows, columns + 1]),
            objective=np.asarray(self.rows.objective[indices])[rows, columns + 1],
        )

    def _counted(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the loss counts the token after a place, shape (rows, length - 1).

        A group that sees no other cannot be asked for the beginning of the next one either.
        """
        counted = np.asarray(self.rows.loss[indices, 1:])
        if self.isolate:
            group = self.rows.group[indices]
            counted = counted & (group[:, 1:] == group[:, :-1])
        return counted


class ReadAhead:
    """The batches of step after step, each read and sent to the device while the one before is computed."""

    def __init__(self, reading: Reading, order: Order, device: torch.device) -> None:
        self._reading, self._order, self._device = reading, order, device
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rows")
        self._next: tuple[int, Future[StepBatches]] | None = None

    def step(self, step: int) -> StepBatches:
        """The batches of `step`; begins to read those of the next."""
        at, future = self._next or (-1, None)
        if future is None or at != step:
            future = self._pool.submit(self._read, step)
        self._next = (step + 1, self._pool.submit(self._read, step + 1))
        return future.result()

    def close(self) -> None:
        """Read no further."""
        self._pool.shutdown(cancel_futures=True)

    def _read(self, step: int) -> StepBatches:
        found = self._reading.step(self._order.rows(step))
        return StepBatches(tuple(batch.to(self._device) for batch in found.batches), found.n_targets)


def _sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    return tensor.pin_memory().to(device, non_blocking=True)
