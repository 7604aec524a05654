"""Checkpoints of a run: `checkpoints/step-00000120` is there whole or not at all.

Each is a checkpoint as transformers (or PEFT) reads it, with its tokenizer: it can be exported or trained further as it
is. Beside it lie the optimizer, sharded by torch so that another number of processes can read it, and `state.json`.
Random numbers and the order of rows follow from the seed and the step, so there is no more to save.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch.distributed import checkpoint as sharded
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

from midfill_training.errors import BadInput, OutputError
from midfill_training.train.model import Model
from midfill_training.train.processes import Processes

FOLDER, OPTIMIZER, STATE = "checkpoints", "optimizer", "state.json"


@dataclass(frozen=True)
class State:
    """Where a run is: steps done, seconds trained, and the best step by its loss on valid rows."""

    step: int = 0
    elapsed_s: float = 0.0
    best_step: int | None = None
    best_loss: float | None = None


def checkpoint_path(run: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return run / FOLDER / f"step-{step:08}"


def newest_checkpoint(run: Path) -> Path | None:
    """The last checkpoint of a run."""
    return max((run / FOLDER).glob("step-????????"), default=None)


def read_state(checkpoint: Path) -> State:
    """The state in a checkpoint; BadInput when it is damaged."""
    try:
        return State(**json.loads((checkpoint / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"{checkpoint}: is damaged ({error}); remove this folder, the run then goes on from the checkpoint before"
        ) from error


def save_checkpoint(
    run: Path,
    model: Model,
    learner: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    state: State,
    processes: Processes,
) -> Path:
    """Write one checkpoint; OutputError when it cannot be, and those before it are untouched."""
    path = checkpoint_path(run, state.step)
    part = path.with_name(path.name + ".part")
    with _writing(path, part):
        if processes.is_first:
            shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
            part.mkdir(parents=True)
        processes.wait()
        weights = get_model_state_dict(learner, options=_weights_to_save(model))
        with _alone_is_fine():
            sharded.save(_optimizer_state(learner, optimizer), checkpoint_id=part / OPTIMIZER)
        if processes.is_first:
            model.write(part, {name.removeprefix("causal."): tensor for name, tensor in weights.items()})
            (part / STATE).write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
            part.rename(path)
        processes.wait()
    return path


def load_optimizer(checkpoint: Path, learner: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Bring the optimizer to where it was; BadInput when the checkpoint is damaged."""
    state = _optimizer_state(learner, optimizer)
    try:
        with _alone_is_fine():
            sharded.load(state, checkpoint_id=checkpoint / OPTIMIZER)
    except (sharded.CheckpointException, OSError, RuntimeError, ValueError) as error:
        raise BadInput(
            f"{checkpoint}: the optimizer cannot be read; remove this folder, the run then goes on from the "
            "checkpoint before"
        ) from error
    set_optimizer_state_dict(learner, optimizer, state["optimizer"], options=_TRAINED)


def prune_checkpoints(run: Path, keep: int, best_step: int | None) -> None:
    """Remove all but the newest `keep` checkpoints and the best."""
    spared = None if best_step is None else checkpoint_path(run, best_step)
    for old in sorted((run / FOLDER).glob("step-????????"))[:-keep]:
        if old != spared:
            shutil.rmtree(old)


_TRAINED = StateDictOptions(ignore_frozen_params=True)


def _weights_to_save(model: Model) -> StateDictOptions:
    return StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=model.adapter is not None)


def _optimizer_state(learner: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"optimizer": get_optimizer_state_dict(learner, optimizer, options=_TRAINED)}


@contextmanager
def _alone_is_fine() -> Iterator[None]:
    """torch warns of a single process whatever it is told."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


@contextmanager
def _writing(path: Path, part: Path) -> Iterator[None]:
    try:
        yield
    except (sharded.CheckpointException, SafetensorError, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise OutputError(
            f"{path}: cannot be written ({_cause(error)}); the checkpoints before it are whole. Make room and run the "
            "same command again: it goes on from the last one"
        ) from error


def _cause(error: BaseException) -> str:
    if isinstance(error, sharded.CheckpointException):
        error = next(iter(error.failures.values()))[0]
    return str(error).splitlines()[0] if str(error) else type(error).__name__
