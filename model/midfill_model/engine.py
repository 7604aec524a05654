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
    STRUCTURE = "structure"  # what was open at the cursor is complete
    SUFFIX = "suffix"  # it met the text after the cursor
    MAX_TOKENS = "max_tokens"
    DEADLINE = "deadline"  # a time budget ran out
    CANCELLED = "cancelled"  # by the client
    SUPERSEDED = "superseded"  # by a newer request of the same client
    LOADING = "loading"  # the model is not there yet
    REPETITION = "repetition"  # it said the same again and again
    NOTHING_NEEDED = "nothing_needed"  # the code at the cursor is complete
    NO_VALID_CUT = "no_valid_cut"  # no piece of it leaves the file without new syntax errors
    UNSURE = "unsure"  # the model's tokens were less likely than is wanted
    NOTHING_TO_CONTINUE = "nothing_to_continue"  # no text before the cursor for a model without FIM
    ENGINE_FAILED = "engine_failed"  # crashed in mid-request or cannot start; `EngineStatus.reason` says why


class Ending(str, Enum):
    """Who decides where a completion ends, besides the budget."""

    STRUCTURE = "structure"  # the rules of serving: whole syntax, by the tree; lines where the language has no grammar
    LINE = "line"  # one line of code, up to the text after the cursor
    RAW = "raw"  # the model alone: for judging it


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; greedy at temperature 0."""

    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0


class Priority(str, Enum):
    """Whether somebody waits for the answer."""

    TYPED = "typed"  # a keystroke: ends whatever runs or waits at lower priority
    BACKGROUND = "background"  # prefetch and warm-up: runs while nothing typed is there


@dataclass(frozen=True)
class Limits:
    """What one request may cost. `None` is no limit; times are in milliseconds of wall clock.

    With 0 `max_tokens` the prompt is read and nothing is written: the next request at that place starts warm.
    """

    max_tokens: int = 48
    prompt_ms: float | None = None
    decode_ms: float | None = None


@dataclass(frozen=True)
class CompletionRequest:
    """One completion asked for. A newer request of the same `client` and priority supersedes the older one.

    A typed request of any client supersedes every background request. What these have read of their prompts stays.
    A completion whose tokens have a mean log-probability below `min_logprob` comes back empty. Beside the first of
    `n_candidates` come as many different ones as there are, and as the time for writing lasts; an engine may give none.
    """

    cursor: Cursor
    snippets: tuple[Snippet, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    n_candidates: int = 1
    client: str = ""
    priority: Priority = Priority.TYPED
    ending: Ending = Ending.STRUCTURE
    min_logprob: float | None = None


def gives_way(older: CompletionRequest, newer: CompletionRequest) -> bool:
    """Whether a newer request supersedes an older one."""
    if older.priority is not newer.priority:
        return older.priority is Priority.BACKGROUND
    return bool(newer.client) and older.client == newer.client


@dataclass(frozen=True)
class Timings:
    """What a completion cost: tokens and milliseconds.

    Of the prompt, `n_reused_tokens` were in the KV cache and `n_context_tokens` came from snippets; none did where
    reading them would have taken too long.
    """

    n_prompt_tokens: int = 0
    n_reused_tokens: int = 0
    n_completion_tokens: int = 0
    prompt_ms: float = 0.0
    decode_ms: float = 0.0
    n_context_tokens: int = 0


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `logprobs` has one natural logarithm per token that was sampled.

    The text takes the place of the first `n_replaced` characters after the cursor, which are of its line: brackets and
    quotes that an editor has closed, and that the text closes itself.
    """

    text: str
    stop_reason: StopReason
    timings: Timings = field(default_factory=Timings)
    logprobs: tuple[float, ...] = ()
    alternatives: tuple[Completion, ...] = ()
    n_replaced: int = 0


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
TextListener = Callable[[str], None]


class Engine(Protocol):
    """Runs one model. All methods may be called from any thread and return at once."""

    @property
    def status(self) -> EngineStatus: ...

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        """Complete at the request's cursor.

        The future never raises for anything the model or the worker does: an empty completion with a
        `stop_reason` says what happened. Cancelling the future stops the work in the engine.

        `on_text` is called while the completion is written, from any thread and at most once a token, with all of its
        text so far; where the completion ends, some of that may still be cut off. It must return at once.
        """
        ...

    def close(self) -> None:
        """Stop the engine and whatever process it runs; pending futures end as cancelled completions."""
        ...
