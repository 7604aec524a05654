"""The processes that train together: one without any engine, several through accelerate (DDP, or FSDP when asked).

`torchrun` or `accelerate launch` starts them and says so in the environment. Optimizer, precision and clipping are the
loop's own in all cases, so that one process and several compute the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import distributed

from midfill_training.train.settings import Machine

MakeOptimizer = Callable[[torch.nn.Module], torch.optim.Optimizer]


class Processes:
    """This process among `world`; process 0 writes what is written once."""

    def __init__(self, machine: Machine, *, precision: str) -> None:
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self._accelerator = _accelerator(machine, precision) if self.world > 1 else None
        self._hosts: Any = None
        if self._accelerator is None:
            self.rank, self.device = 0, torch.device("cuda" if torch.cuda.is_available() else "cpu")
        else:
            self.rank, self.device = self._accelerator.process_index, self._accelerator.device
            self._hosts = distributed.new_group(backend="gloo")  # what hosts agree on must not wait for a GPU
        if machine.threads:
            torch.set_num_threads(machine.threads)
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32 where something is left in float32

    @property
    def is_first(self) -> bool:
        """Whether this process writes logs and files."""
        return self.rank == 0

    def prepare(
        self, learner: torch.nn.Module, optimizer: MakeOptimizer
    ) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        """The learner where it computes, wrapped if it must be, and an optimizer of its weights."""
        if self._accelerator is None:
            placed = learner.to(self.device)
            return placed, optimizer(placed)
        wrapped, wrapped_optimizer = self._accelerator.prepare(learner, optimizer(learner))
        return wrapped, wrapped_optimizer.optimizer

    def adding_up(self, learner: torch.nn.Module) -> AbstractContextManager[None]:
        """Gradients are added up in this process alone: for all micro-batches of a step but the last."""
        if self._accelerator is None:
            return nullcontext()
        context: AbstractContextManager[None] = self._accelerator.no_sync(learner)
        return context

    def agree(self, *values: float) -> tuple[float, ...]:
        """The largest of each value over the processes: all decide alike, by the slowest clock and any signal."""
        if self._accelerator is None:
            return values
        shared = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX, group=self._hosts)
        return tuple(shared.tolist())

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of each value over the processes, on the host."""
        values = values.cpu()
        if self._accelerator is not None:
            distributed.all_reduce(values, group=self._hosts)
        return values

    def wait(self) -> None:
        """Until all processes are here."""
        if self._accelerator is not None:
            distributed.barrier(group=self._hosts)

    def leave(self) -> None:
        """Part in order. Not after an error: the others would be waited for in vain."""
        if self._accelerator is not None:
            distributed.barrier(group=self._hosts)
            distributed.destroy_process_group()


def _accelerator(machine: Machine, precision: str) -> Any:
    from accelerate import Accelerator, FullyShardedDataParallelPlugin

    is_cpu = not torch.cuda.is_available()
    if not machine.fsdp:
        return Accelerator(cpu=is_cpu)
    from torch.distributed.fsdp import MixedPrecisionPolicy

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="transformer_based_wrap",
        mixed_precision_policy=MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32),
    )
    return Accelerator(cpu=is_cpu, fsdp_plugin=plugin)
