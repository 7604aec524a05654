"""The suggestions an editor was given lately, and what became of them: seen, accepted, or typed over."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from dataclasses import dataclass

from midfill_context.cursor import Cursor
from midfill_context.languages import language
from midfill_lsp.documents import Document, DocumentStore
from midfill_lsp.outcomes.retention import Retention
from midfill_lsp.outcomes.statistics import Group, Statistics, wait_name
from midfill_lsp.suggesting.explanation import Answer
from midfill_lsp.suggesting.reuse import agree, typed_since
from midfill_lsp.suggesting.suggestion import Place, with_newlines

logger = logging.getLogger(__name__)

SEEN_S = 0.75  # what stands there for less nobody has read

_N_REMEMBERED = 64  # an editor accepts one of the last few; the rest was dismissed


@dataclass(eq=False)
class _Showing:
    """A suggestion on the screen, which stays the same while it is typed through."""

    group: Group
    cursor: Cursor
    text: str
    seeing: asyncio.TimerHandle | None = None
    is_seen: bool = False
    is_accepted: bool = False

    def leads_to(self, item: _Item) -> bool:
        return (self.cursor.prefix + self.text).startswith(item.cursor.prefix + item.text)


@dataclass(eq=False)
class _Item:
    """What the editor has under one id; the user took its first `n_accepted` characters.

    It is inserted behind `head`, which the editor's own menu offers.
    """

    uri: str
    group: Group
    cursor: Cursor
    head: str
    text: str
    showing: _Showing | None = None
    n_accepted: int = 0


class ShownSuggestions:
    """Gives each suggestion an id, by which the editor tells what became of it. Used on the event loop's thread.

    An editor that has once told of a suggestion that it was displayed is believed: from then on nothing else counts as
    shown. Of an editor that never does, what it was sent first counts, while nothing is typed that disagrees.
    """

    def __init__(self, documents: DocumentStore, statistics: Statistics) -> None:
        self._statistics = statistics
        self._retention = Retention(documents, statistics)
        self._items: OrderedDict[str, _Item] = OrderedDict()
        self._showings: dict[str, _Showing] = {}
        self._ids = map(str, itertools.count(1))
        self._is_told = False

    def take(self, place: Place, model: str, answer: Answer) -> list[str]:
        """Note what a request was answered; returns the ids of its suggestions, in their order."""
        group = Group(_language_of(place.document), model)
        if not answer.suggestions:
            self._statistics.add(group, {"answers": 1})
            self._hide(place.document.uri)
            return []
        reused = {"reused": 1} if answer.is_reused else {}
        self._statistics.add(group, {"answers": 1, "suggestions": 1, wait_name(answer.total_ms): 1, **reused})
        uri, cursor, head = place.document.uri, place.cursor(), place.replaced.text
        items = [_Item(uri, group, cursor, head, each.text) for each in answer.suggestions]
        if not self._is_told:
            self._show(items[0])
        return [self._remember(item) for item in items]

    def displayed(self, suggestion_id: str) -> None:
        """The editor says that it shows this one now."""
        self._is_told = True
        item = self._items.get(suggestion_id)
        if item is not None:
            self._show(item)

    def edited(self, document: Document) -> None:
        """What the editor shows is gone where the user typed something else."""
        showing = self._showings.get(document.uri)
        if showing is not None:
            typed = typed_since(showing.cursor, with_newlines(document.text))
            if typed is None or not agree(typed, showing.text):
                self._hide(document.uri)

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._hide(uri)

    def accept(self, suggestion_id: str) -> bool:
        """Note that the user took it whole; false for an id that is not, or no longer, known."""
        item = self._items.pop(suggestion_id, None)
        if item is not None:
            self._accept(item, len(item.text), "whole")
        return item is not None

    def accept_partial(self, suggestion_id: str, length: int) -> bool:
        """Note that the user took the first `length` UTF-16 units of what is inserted; the rest may follow.

        What was told before is counted among them, and half of a surrogate pair is not.
        """
        item = self._items.get(suggestion_id)
        if item is None:
            return False
        inserted = (item.head + item.text).encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore")
        taken = inserted[len(item.head) :]
        if len(taken) > item.n_accepted:
            rest = item.text[len(taken) :]
            is_line = "\n" in taken.strip(" \t") or rest.startswith("\n") or not rest
            self._accept(item, len(taken), "line" if is_line else "word")
        return True

    def _remember(self, item: _Item) -> str:
        suggestion_id = next(self._ids)
        self._items[suggestion_id] = item
        if len(self._items) > _N_REMEMBERED:
            self._items.popitem(last=False)
        return suggestion_id

    def _show(self, item: _Item) -> _Showing:
        """What is on the screen now: still the same, where it leads to the same text."""
        showing = self._showings.get(item.uri)
        if showing is None or not showing.leads_to(item):
            self._hide(item.uri)
            showing = self._showings[item.uri] = item.showing or _Showing(item.group, item.cursor, item.text)
            showing.seeing = asyncio.get_running_loop().call_later(SEEN_S, self._see, showing)
        item.showing = showing
        return showing

    def _hide(self, uri: str) -> None:
        showing = self._showings.pop(uri, None)
        if showing is not None and showing.seeing is not None:
            showing.seeing.cancel()

    def _see(self, showing: _Showing) -> None:
        if not showing.is_seen:
            showing.is_seen = True
            self._statistics.add(showing.group, {"shown": 1, "shown_characters": len(showing.text)})

    def _accept(self, item: _Item, n_characters: int, how: str) -> None:
        """Count what was not counted before; an editor may tell word by word."""
        taken = item.text[item.n_accepted : n_characters]
        item.n_accepted = max(item.n_accepted, n_characters)
        showing = item.showing or self._show(item)
        self._see(showing)
        first = {} if showing.is_accepted else {"accepted": 1}
        showing.is_accepted = True
        self._statistics.add(showing.group, {f"accepted_{how}": 1, "accepted_characters": len(taken), **first})
        self._retention.watch(showing.group, item.uri, taken)
        logger.info("accepted %d characters", len(taken))


def _language_of(document: Document) -> str:
    """The language as we know it: what else a client may have called it is not kept."""
    known = language(document.language_id)
    return known.id if known else "other"
