"""From a request for an inline completion to its suggestion: what may supersede it, and what makes it
stale."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from midfill_lsp.documents import Document, DocumentStore
from midfill_lsp.explanation import Explanation, why_of
from midfill_lsp.logs import describe_error
from midfill_lsp.settings import Settings
from midfill_lsp.suggestion import Suggestion, cursor_at, suggestion_from
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    Engine,
    Limits,
    Sampling,
    StopReason,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """An offset in one version of a document, as they were when the request came in."""

    document: Document
    offset: int
    folders: Sequence[PurePath]


class Completer:
    """Asks the engine, at most once at a time per document: a newer request ends the older one.

    Neovim goes on typing without cancelling and shows whatever answer comes last, so both are seen to here.
    """

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._pending: dict[str, asyncio.Task[Completion]] = {}
        self._explanations: dict[str, Explanation] = {}

    async def suggest(self, engine: Engine, settings: Settings, place: Place) -> Suggestion | None:
        """The suggestion at a place; `None` also when it came too late for its document."""
        uri, started = place.document.uri, time.monotonic()
        work = asyncio.create_task(_complete(engine, settings, place))
        self._supersede(uri, work)
        try:
            # Not awaited directly: the end of the work by a newer request is no end of this one.
            await asyncio.wait({work})
        finally:
            work.cancel()
            if self._pending.get(uri) is work:
                del self._pending[uri]
        completion = _completion_of(work)
        is_stale = self._documents.find(uri) is not place.document
        suggestion = None if is_stale else suggestion_from(completion)
        why = (
            "the document changed meanwhile" if is_stale else why_of(completion.stop_reason, is_shown=bool(suggestion))
        )
        total_ms = (time.monotonic() - started) * 1000
        if completion.stop_reason is not StopReason.SUPERSEDED:
            self.explain(uri, Explanation(why, bool(suggestion), completion.stop_reason, completion.timings, total_ms))
        logger.debug("%s after %.0f ms", completion.stop_reason.value, total_ms)
        return suggestion

    def forget(self, uri: str) -> None:
        """Drop what belongs to a document that was closed."""
        self._supersede(uri, None)
        self._explanations.pop(uri, None)

    def explain(self, uri: str, explanation: Explanation) -> None:
        """Keep the outcome of a document's newest request."""
        self._explanations[uri] = explanation

    def explanation(self, uri: str) -> Explanation:
        """The outcome of a document's newest request."""
        return self._explanations.get(uri, Explanation("no completion was asked for in this document"))

    def _supersede(self, uri: str, newer: asyncio.Task[Completion] | None) -> None:
        older = self._pending.pop(uri, None)
        if older is not None:
            older.cancel()
        if newer is not None:
            self._pending[uri] = newer


def why_not_asked(settings: Settings, document: Document) -> str | None:
    """Which setting keeps the engine from being asked, or `None`."""
    if not settings.enabled:
        return "suggestions are switched off (enabled)"
    if document.language_id in settings.disabled_languages:
        return f"suggestions are switched off for {document.language_id} (disabledLanguages)"
    return None


def _completion_of(work: asyncio.Task[Completion]) -> Completion:
    if work.cancelled():
        return Completion("", StopReason.SUPERSEDED)
    error = work.exception()
    if error is not None:
        # Engines do not raise; should one do so, an error would leave old ghost text standing in Neovim.
        logger.error("the engine raised: %s", describe_error(error))
        return Completion("", StopReason.ENGINE_FAILED)
    return work.result()


async def _complete(engine: Engine, settings: Settings, place: Place) -> Completion:
    if settings.debounce_ms:
        await asyncio.sleep(settings.debounce_ms / 1000)
    request = CompletionRequest(
        cursor=cursor_at(place.document, place.offset, place.folders),
        sampling=Sampling(settings.temperature, settings.top_p, settings.min_p),
        limits=Limits(settings.max_tokens, settings.prompt_budget_ms, settings.decode_budget_ms),
        client=place.document.uri,
    )
    return await asyncio.wrap_future(engine.submit(request))
