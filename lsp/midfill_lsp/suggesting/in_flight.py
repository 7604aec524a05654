"""A request that the engine works on: its text so far, and whether what the user types meanwhile agrees with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from midfill_context.cursor import Cursor
from midfill_lsp.settings import Settings
from midfill_lsp.suggesting.reuse import agree, typed_since
from midfill_lsp.wire.logs import describe_error
from midfill_lsp.wire.threads import call_soon
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    Engine,
    Limits,
    Priority,
    Sampling,
    StopReason,
    TextListener,
)

if TYPE_CHECKING:
    from midfill_context.retrieval.retriever import Retrieved

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What the engine is asked, and by which document; a warm-up only makes it read the prompt."""

    engine: Engine
    settings: Settings
    uri: str
    cursor: Cursor
    retrieved: Retrieved | None = None
    priority: Priority = Priority.TYPED
    is_warm_up: bool = False
    n_candidates: int = 1

    def to_request(self) -> CompletionRequest:
        settings = self.settings
        max_tokens = 0 if self.is_warm_up else settings.max_tokens
        return CompletionRequest(
            cursor=self.cursor,
            snippets=self.retrieved.snippets if self.retrieved else (),
            sampling=Sampling(settings.temperature, settings.top_p, settings.min_p),
            limits=Limits(max_tokens, settings.prompt_budget_ms, settings.decode_budget_ms),
            n_candidates=self.n_candidates,
            client=self.uri,
            priority=self.priority,
            min_logprob=settings.min_logprob or None,
        )


class Flight:
    """A question on its way. Used on the event loop's thread; ends when the document disagrees with its answer."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._text = ""
        self._typed: str | None = ""
        on_text = partial(call_soon, asyncio.get_running_loop(), self._take)
        self._done = asyncio.wrap_future(_submitted(question, on_text))

    @property
    def is_over(self) -> bool:
        return self._done.done()

    def when_over(self, call: Callable[[Question, Completion], None]) -> None:
        """Call with the answer before anybody who waits for it goes on."""
        self._done.add_done_callback(lambda done: call(self.question, _completion_of(done)))

    async def land(self) -> Completion:
        """Wait for the answer; who stops waiting does not end the flight."""
        await asyncio.wait({self._done})
        return _completion_of(self._done)

    def cancel(self) -> None:
        self._done.cancel()

    def leads_to(self, cursor: Cursor) -> bool:
        """Whether the answer may hold for a cursor too, which stands where its beginning has been typed."""
        start = self.question.cursor
        if self.is_over or not (cursor.prefix.startswith(start.prefix) and cursor.suffix.endswith(start.suffix)):
            return False
        typed = cursor.prefix[len(start.prefix) :]
        return typed.startswith(self._text) or self._text.startswith(typed)

    def serves(self, question: Question) -> bool:
        """Whether to wait for it instead of asking a question.

        While there is no text, asking anew costs next to nothing, because what was read of the prompt stays.
        """
        ours = self.question
        if ours.is_warm_up or ours.n_candidates > 1 or (ours.uri, ours.settings) != (question.uri, question.settings):
            return False
        return self.leads_to(question.cursor) and (bool(self._text) or ours.cursor == question.cursor)

    def follow(self, text: str) -> None:
        """The document has this text now, with newlines as its only line ends."""
        self._typed = typed_since(self.question.cursor, text)
        self._compare()

    def _take(self, text: str) -> None:
        self._text = text
        self._compare()

    def _compare(self) -> None:
        if self._typed is None or not agree(self._typed, self._text):
            self.cancel()


def _submitted(question: Question, on_text: TextListener) -> Future[Completion]:
    try:
        return question.engine.submit(question.to_request(), on_text)
    except Exception as error:
        # Engines do not raise; should one do so, an error would leave old ghost text standing in Neovim.
        logger.error("the engine raised: %s", describe_error(error))
        failed: Future[Completion] = Future()
        failed.set_result(Completion("", StopReason.ENGINE_FAILED))
        return failed


def _completion_of(done: asyncio.Future[Completion]) -> Completion:
    return Completion("", StopReason.SUPERSEDED) if done.cancelled() else done.result()
