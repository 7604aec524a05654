"""Work ahead of the user while nothing typed waits: what follows the suggestion shown, the prompt where a cursor rests.

One thing at a time, because the newest place is what counts. The engine ends it by itself for anything typed, and keeps
what was read of the prompt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from midfill_lsp.documents import Document, Edit
from midfill_lsp.suggesting.in_flight import Flight, Question
from midfill_lsp.wire.positions import Encoding
from midfill_model.engine import Completion, Priority

logger = logging.getLogger(__name__)

REST_S = 0.2  # as long as Neovim waits for the next key before it asks

_PAIRS = ("()", "[]", "{}", "<>", '""', "''", "``")


class Prefetcher:
    """`keep` is given what was prefetched, so that the next request finds it."""

    def __init__(self, keep: Callable[[Question, Completion], None]) -> None:
        self._keep = keep
        self._resting: asyncio.Task[None] | None = None
        self.flight: Flight | None = None

    def start(self, question: Question) -> None:
        """Ask ahead, or go on where that is what it is at."""
        question = replace(question, priority=Priority.BACKGROUND)
        if self.flight is None or self.flight.is_over or self.flight.question != question:
            self.flight = Flight(question)
            self.flight.when_over(self._take)

    def rest(self, ask: Callable[[], Awaitable[Question]]) -> None:
        """Have the prompt of a place read, unless something happens first."""
        self.stir()
        self._resting = asyncio.create_task(self._warm_up(ask))

    def stir(self) -> None:
        """Something happened: no cursor rests."""
        if self._resting is not None:
            self._resting.cancel()

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self.stir()
        if self.flight is not None and self.flight.question.uri == uri:
            self.flight.cancel()

    async def _warm_up(self, ask: Callable[[], Awaitable[Question]]) -> None:
        await asyncio.sleep(REST_S)
        question = await ask()
        if self.flight is None or self.flight.is_over:
            self.start(replace(question, is_warm_up=True))

    def _take(self, question: Question, completion: Completion) -> None:
        what = "warm-up" if question.is_warm_up else "prefetch"
        logger.debug("%s: %s, %s", what, completion.stop_reason.value, completion.timings)
        if not question.is_warm_up:
            self._keep(question, completion)


def likely_offset(document: Document, edit: Edit, encoding: Encoding) -> int | None:
    """Where the cursor is likely to be in a document after an edit; `None` when all of it was replaced."""
    if edit.span is None:
        return None
    n_before = len(edit.text) // 2 if edit.text in _PAIRS else len(edit.text)  # an editor that closes brackets
    return min(document.offset_at(*min(edit.span), encoding) + n_before, len(document.text))
