"""From a request for an inline completion to its suggestion: known, on its way, or asked for; what makes it stale."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from midfill_context.cursor import Cursor
from midfill_lsp.documents import Document, DocumentStore
from midfill_lsp.settings import Settings
from midfill_lsp.suggesting.debounce import Debounce
from midfill_lsp.suggesting.explanation import Answer, Explanation, explanation_of
from midfill_lsp.suggesting.in_flight import Flight, Question
from midfill_lsp.suggesting.prefetching import Prefetcher
from midfill_lsp.suggesting.reuse import Reused, SuggestionCache
from midfill_lsp.suggesting.suggestion import Place, Suggestion, is_final, is_lasting, suggestion_from, with_newlines
from midfill_lsp.wire.logs import describe_error
from midfill_model.engine import Completion, Engine

if TYPE_CHECKING:
    from midfill_context.retrieval.retriever import Retrieved

    Retrieve = Callable[[str, Cursor], Awaitable[Retrieved | None]]

logger = logging.getLogger(__name__)

N_INVOKED = 3  # suggestions for who asks for them, instead of typing on


class Completer:
    """Asks the engine, at most once at a time per document: a newer request ends the older one.

    What the engine is at goes on where the newer request agrees with it. Neovim goes on typing without cancelling and
    shows whatever answer comes last, VS Code cancels before it asks again: both are seen to here. `retrieve` gives the
    snippets for a cursor in the document with a uri.
    """

    def __init__(self, documents: DocumentStore, retrieve: Retrieve | None = None) -> None:
        self._documents = documents
        self._retrieve = retrieve
        self._cache = SuggestionCache()
        self._debounce = Debounce()
        self._prefetcher = Prefetcher(self._keep)
        self._pending: dict[str, asyncio.Task[Answer]] = {}
        self._flights: dict[str, Flight] = {}
        self._explanations: dict[str, Explanation] = {}

    async def suggest(self, engine: Engine, settings: Settings, place: Place) -> Answer | None:
        """The answer for a place; `None` when a newer request took its place, or it came too late for its document."""
        uri, started = place.document.uri, time.monotonic()
        question = _question(engine, settings, place)
        self._prefetcher.stir()
        work = asyncio.create_task(self._answer(question))
        self._supersede(uri, work)
        try:
            # Not awaited directly: the end of the work by a newer request is no end of this one.
            await asyncio.wait({work})
        except asyncio.CancelledError:
            self._give_up(place, work)
            raise
        finally:
            work.cancel()
            if self._pending.get(uri) is work:
                del self._pending[uri]
        if work.cancelled():
            return None
        answer = replace(work.result(), total_ms=(time.monotonic() - started) * 1000)
        is_stale = self._documents.find(uri) is not place.document
        explanation = explanation_of(answer, is_stale=is_stale)
        self.explain(uri, explanation)
        logger.debug("%s after %.0f ms", explanation.stage.value, answer.total_ms)
        if is_stale:
            return None
        self._look_ahead(question, answer)
        return answer

    def edited(self, document: Document) -> None:
        """A document has another text now."""
        self._debounce.typed(time.monotonic())
        if self._retrieve is not None:
            self._cache.changed(document.uri)
        flight = self._flights.get(document.uri)
        if flight is not None and not flight.is_over:
            flight.follow(with_newlines(document.text))

    def rest(self, engine: Engine, settings: Settings, place: Place) -> None:
        """Have the prompt of a place read, unless something happens there first."""
        self._prefetcher.rest(lambda: self._with_snippets(_question(engine, settings, place)))

    def forget(self, uri: str) -> None:
        """Drop what belongs to a document that was closed."""
        self._supersede(uri, None)
        if flight := self._flights.pop(uri, None):
            flight.cancel()
        self._prefetcher.forget(uri)
        self._cache.forget(uri)
        self._explanations.pop(uri, None)

    def explain(self, uri: str, explanation: Explanation) -> None:
        """Keep the outcome of a document's newest request."""
        self._explanations[uri] = explanation

    def explanation(self, uri: str) -> Explanation:
        """The outcome of a document's newest request."""
        return self._explanations.get(uri, Explanation("no completion was asked for in this document"))

    async def _answer(self, question: Question) -> Answer:
        """From the cheapest to the dearest: what is known, what is on its way, what has to be asked for."""
        flight = self._flights.get(question.uri)
        if flight is not None and not flight.leads_to(question.cursor):
            flight.cancel()
        known = self._known(question)
        if question.n_candidates > 1:
            return _with_known(await self._asked(question), known)
        if known:
            return known
        flight = self._serving(question)
        if flight is None:
            await asyncio.sleep(self._debounce.wait_s(question.settings))
            flight = self._serving(question)
        if flight is not None:
            completion = await flight.land()
            if known := self._known(question):
                return replace(known, completion=completion)
            if flight.question.cursor == question.cursor and is_final(completion):  # more of the same wait for the same
                return Answer((), flight.question.retrieved, completion)
        return await self._asked(question)

    def _known(self, question: Question) -> Answer | None:
        reused = self._cache.find(question.settings, question.uri, question.cursor)
        if reused is None:
            return None
        return Answer((reused.suggestion,) if reused.suggestion else (), reused.retrieved, is_reused=True)

    def _serving(self, question: Question) -> Flight | None:
        """What is on its way and may answer the question as well."""
        flights = (self._flights.get(question.uri), self._prefetcher.flight)
        return next((flight for flight in flights if flight is not None and flight.serves(question)), None)

    async def _asked(self, question: Question) -> Answer:
        began = time.monotonic()
        question = await self._with_snippets(question)
        asked = time.monotonic()
        flight = self._flights[question.uri] = Flight(question)
        flight.when_over(self._keep)
        completion = await flight.land()
        if is_lasting(completion) and question.n_candidates == 1:
            self._debounce.answered(time.monotonic() - asked)
        suggestions = filter(None, map(suggestion_from, (completion, *completion.alternatives)))
        return Answer(tuple(suggestions), question.retrieved, completion, context_ms=(asked - began) * 1000)

    async def _with_snippets(self, question: Question) -> Question:
        if self._retrieve is None:
            return question
        try:
            return replace(question, retrieved=await self._retrieve(question.uri, question.cursor))
        except Exception as error:  # a suggestion without the rest of the project is better than none
            logger.error("no snippets were found: %s", describe_error(error))
            return question

    def _keep(self, question: Question, completion: Completion) -> None:
        if is_lasting(completion) and self._known(question) is None:
            reused = Reused(suggestion_from(completion), question.retrieved)
            self._cache.keep(question.settings, question.uri, question.cursor, reused)

    def _look_ahead(self, question: Question, answer: Answer) -> None:
        """While the user looks: find what comes after the suggestion, or read the prompt where none was read."""
        question = replace(question, retrieved=answer.retrieved, n_candidates=1)
        if answer.suggestion is not None:
            question = replace(question, cursor=_accepted(question.cursor, answer.suggestion))
            if self._known(question) is None:
                self._prefetcher.start(question)
        elif answer.completion is None or not answer.completion.timings.n_prompt_tokens:
            self._prefetcher.start(replace(question, is_warm_up=True))

    def _give_up(self, place: Place, work: asyncio.Task[Answer]) -> None:
        """The client cancelled a request: nobody wants its answer, unless that was because the user typed on."""
        uri = place.document.uri
        flight = self._flights.get(uri)
        if self._pending.get(uri) is work and self._documents.find(uri) is place.document:
            self.explain(uri, Explanation("the editor cancelled the request"))
            if flight is not None:
                flight.cancel()

    def _supersede(self, uri: str, newer: asyncio.Task[Answer] | None) -> None:
        older = self._pending.pop(uri, None)
        if older is not None:
            older.cancel()
        if newer is not None:
            self._pending[uri] = newer


def why_switched_off(settings: Settings, document: Document) -> str | None:
    """Which setting keeps the engine from being asked, or `None`."""
    if not settings.enabled:
        return "suggestions are switched off (enabled)"
    if document.language_id in settings.disabled_languages:
        return f"suggestions are switched off for {document.language_id} (disabledLanguages)"
    return None


def _question(engine: Engine, settings: Settings, place: Place) -> Question:
    n_candidates = N_INVOKED if place.is_invoked else 1
    return Question(engine, settings, place.document.uri, place.cursor(), n_candidates=n_candidates)


def _with_known(answer: Answer, known: Answer | None) -> Answer:
    """Different suggestions, the best of which is what is known already: who asks for more still gets that first."""
    distinct: dict[str, Suggestion] = {}
    for suggestion in (*(known.suggestions if known else ()), *answer.suggestions):
        distinct.setdefault(suggestion.text, suggestion)
    return replace(answer, suggestions=tuple(distinct.values())[:N_INVOKED])


def _accepted(cursor: Cursor, suggestion: Suggestion) -> Cursor:
    """Where the cursor stands when the whole suggestion was taken."""
    return replace(cursor, prefix=cursor.prefix + suggestion.text, suffix=cursor.suffix[suggestion.n_replaced :])
