"""What the engine and its worker process say to each other: pickled dataclasses over the worker's stdin and stdout."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from midfill_model.engine import Completion, CompletionRequest, StopReason


@dataclass(frozen=True)
class EngineOptions:
    """How a model is run. Tokens, threads and bytes; 0 means: choose for this machine and model.

    Without `max_snippet_tokens` snippets share `max_prompt_tokens` with the file, which goes first. Without
    `cold_wait_ms` every prompt is read whole before its answer, however long that takes. An engine that `tunes`
    measures what suits this machine once it rests, and goes by that from the next start on. One that `guesses`
    reads tokens ahead where that pays: faster, but which of two equally likely tokens it writes may depend on that.
    `min_logprob` is for requests that name none.
    """

    n_ctx: int = 0
    n_threads: int = 0
    n_micro_batch: int = 64  # costs about 3 % of reading speed and bounds how long a cancel takes
    max_prompt_tokens: int = 1024
    max_snippet_tokens: int | None = None
    cold_wait_ms: float | None = None
    tunes: bool = False
    guesses: bool = False
    min_logprob: float | None = None
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
    """A request to complete; with `wants_text` the worker says what it writes while it writes."""

    number: int
    request: CompletionRequest
    wants_text: bool = False


@dataclass(frozen=True)
class Count:
    """Texts whose tokens are to be counted."""

    number: int
    texts: tuple[str, ...]


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
class Written:
    """All the text so far of request `number`."""

    number: int
    text: str


@dataclass(frozen=True)
class Counted:
    """How many tokens each text of question `number` has."""

    number: int
    n_tokens: tuple[int, ...]


@dataclass(frozen=True)
class Done:
    """Request `number` ended."""

    number: int
    completion: Completion


ToWorker = Load | Run | Count | Cancel
FromWorker = Ready | Refused | Written | Counted | Done


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
