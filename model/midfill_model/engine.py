"""What every engine takes and gives: a request with a cursor in, a completion out.

The engine builds the prompt itself, because only it knows the model's vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from midfill_context.cursor import Cursor, Snippet


class StopReason(str, Enum):
    """Why a completion ended; the value is what `--json` and `explain` show."""

    END_OF_TEXT = "end_of_text"  # the model ended it itself
    LINE = "line"  # the line is complete
    SUFFIX = "suffix"  # it met the text after the cursor
    MAX_TOKENS = "max_tokens"
    DEADLINE = "deadline"  # a time budget ran out
    CANCELLED = "cancelled"  # by the client
    SUPERSEDED = "superseded"  # by a newer request of the same client
    LOADING = "loading"  # the model is not there yet
    NOTHING_TO_CONTINUE = "nothing_to_continue"  # no text before the cursor for a model without FIM
    ENGINE_FAILED = "engine_failed"  # crashed in mid-request or cannot start; `EngineStatus.reason` says why


class Ending(str, Enum):
    """Who decides where a completion ends, besides the budget."""

    LINE = "line"  # the rules of serving: one line of code, up to the text after the cursor
    RAW = "raw"  # the model alone: for judging it


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; greedy at temperature 0."""

    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Limits:
    """What one request may cost. `None` is no limit; times are in milliseconds of wall clock."""

    max_tokens: int = 48
    prompt_ms: float | None = None
    decode_ms: float | None = None


@dataclass(frozen=True)
class CompletionRequest:
    """One completion asked for. A newer request of the same `client` supersedes the older one."""

    cursor: Cursor
    snippets: tuple[Snippet, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    n_candidates: int = 1
    client: str = ""
    ending: Ending = Ending.LINE


@dataclass(frozen=True)
class Timings:
    """What a completion cost: tokens and milliseconds. `n_reused_tokens` of the prompt were in the KV cache."""

    n_prompt_tokens: int = 0
    n_reused_tokens: int = 0
    n_completion_tokens: int = 0
    prompt_ms: float = 0.0
    decode_ms: float = 0.0


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `logprobs` has one natural logarithm per token that was sampled."""

    text: str
    stop_reason: StopReason
    timings: Timings = field(default_factory=Timings)
    logprobs: tuple[float, ...] = ()
    alternatives: tuple[Completion, ...] = ()


class EngineState(str, Enum):
    """The states of an engine; the values go over the wire in `midfill/status`."""

    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    ERROR = "error"
    CLOSED = "closed"


@dataclass(frozen=True)
class EngineStatus:
    """The engine's state and, for `ERROR`, the reason in words a user can act on."""

    state: EngineState
    model: str
    reason: str = ""


StatusListener = Callable[[EngineStatus], None]


class Engine(Protocol):
    """Runs one model. All methods may be called from any thread and return at once."""

    @property
    def status(self) -> EngineStatus: ...

    def submit(self, request: CompletionRequest) -> Future[Completion]:
        """Complete at the request's cursor.

        The future never raises for anything the model or the worker does: an empty completion with a
        `stop_reason` says what happened. Cancelling the future stops the work in the engine.
        """
        ...

    def close(self) -> None:
        """Stop the engine and whatever process it runs; pending futures end as cancelled completions."""
        ...
