"""What the engine and its worker process say to each other: pickled dataclasses over the worker's stdin and stdout."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from midfill_model.engine import Completion, CompletionRequest, StopReason


@dataclass(frozen=True)
class EngineOptions:
    """How a model is run. Tokens, threads and bytes; 0 means: choose for this machine and model."""

    n_ctx: int = 0
    n_threads: int = 0
    n_micro_batch: int = 64  # costs about 3 % of reading speed and bounds how long a cancel takes
    max_prompt_tokens: int = 1024
    max_parked_bytes: int = 256 << 20
    lora: Path | None = None  # a GGUF adapter laid over the model
    prompt_format: str = ""  # by name; empty: found from the GGUF


@dataclass(frozen=True)
class Load:
    """First message to the worker."""

    path: Path
    options: EngineOptions


@dataclass(frozen=True)
class Run:
    """A request to complete."""

    number: int
    request: CompletionRequest


@dataclass(frozen=True)
class Cancel:
    """Give up request `number`, waiting or running."""

    number: int
    reason: StopReason


@dataclass(frozen=True)
class Ready:
    """The model is loaded; the name of its prompt format."""

    prompt_format: str


@dataclass(frozen=True)
class Refused:
    """The model cannot be loaded, and trying again would not help; a message for the user."""

    message: str


@dataclass(frozen=True)
class Done:
    """Request `number` ended."""

    number: int
    completion: Completion


ToWorker = Load | Run | Cancel
FromWorker = Ready | Refused | Done


def send(stream: IO[bytes], message: ToWorker | FromWorker) -> None:
    """Write one message; OSError when the other side is gone."""
    stream.write(pickle.dumps(message))
    stream.flush()


def receive(stream: IO[bytes]) -> ToWorker | FromWorker:
    """Read one message; EOFError when the other side is gone."""
    try:
        message: ToWorker | FromWorker = pickle.load(stream)
    except (pickle.UnpicklingError, OSError) as error:  # killed in the middle of a message
        raise EOFError from error
    return message
