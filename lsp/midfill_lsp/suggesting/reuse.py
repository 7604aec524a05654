"""Suggestions kept for reuse: typing through one, deleting what was typed, accepting a word or a line asks no model.

A suggestion is found by its document and the end of the text before its place, and holds while the rest of the file is
the same, too. Of it the part is shown that is not typed yet, so that the file it leads to is the very file that it was
found to be valid in. Where the editor has closed a bracket or a quote that was typed, the rest of the
suggestion ends before what the editor inserted, or replaces it: again the same file.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from midfill_context.cursor import Cursor
from midfill_lsp.settings import Settings
from midfill_lsp.suggesting.suggestion import Suggestion

if TYPE_CHECKING:
    from midfill_context.retrieval.retriever import Retrieved

N_KEPT = 250
TAIL_CHARS = 1024  # of the text before a place; a miss costs MAX_TYPED look-ups of so many, half a millisecond in all
MAX_TYPED = 256
_MAX_CLOSED = 3  # brackets and quotes that an editor has closed at once
_CLOSING = re.compile(r"\s*[)\]}>\"'`]")
_CLOSED_BEHIND = re.compile(r"(?:\s*[)\]}>\"'`])+\Z")


@dataclass(frozen=True)
class Reused:
    """What is known of a place: a suggestion, or that there is none; and what the model was given to look at."""

    suggestion: Suggestion | None
    retrieved: Retrieved | None = None


class _Key(NamedTuple):
    """Where a suggestion was made; `tail` is the end of the text before it."""

    uri: str
    path: str
    language: str
    tail: str


@dataclass(frozen=True)
class _Kept:
    """What is known of a place in the file with this hash."""

    reused: Reused
    file: int


class SuggestionCache:
    """The last suggestions, whatever document they are of. Other settings, other suggestions: it begins anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._settings = Settings()
        self._last_changed = ""

    def keep(self, settings: Settings, uri: str, cursor: Cursor, reused: Reused) -> None:
        """Remember what a document's suggestion at a cursor is."""
        self._take_up(settings)
        key = _key(uri, cursor, len(cursor.prefix))
        self._kept[key] = _Kept(reused, _hash(cursor))
        self._kept.move_to_end(key)
        if len(self._kept) > N_KEPT:
            self._kept.popitem(last=False)

    def find(self, settings: Settings, uri: str, cursor: Cursor) -> Reused | None:
        """What is known for a cursor; `None` where the model has to be asked."""
        self._take_up(settings)
        for end in range(len(cursor.prefix), max(len(cursor.prefix) - MAX_TYPED, 0) - 1, -1):
            key = _key(uri, cursor, end)
            kept = self._kept.get(key)
            if kept and (found := _continued(kept, cursor, end)):
                self._kept.move_to_end(key)
                return found
        return None

    def changed(self, uri: str) -> None:
        """A document changed: what was suggested in others, with a look at it, may be out of date."""
        if uri != self._last_changed:
            self._last_changed = uri
            self._keep_only(lambda key: key.uri == uri)

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._keep_only(lambda key: key.uri != uri)

    def _keep_only(self, wanted: Callable[[_Key], bool]) -> None:
        for key in [key for key in self._kept if not wanted(key)]:
            del self._kept[key]

    def _take_up(self, settings: Settings) -> None:
        if settings != self._settings:
            self._settings = settings
            self._kept.clear()


def typed_since(cursor: Cursor, text: str) -> str | None:
    """What stands at a former cursor of a document that has this text now; `None` where other things changed too."""
    end = len(text) - len(cursor.suffix)
    if end < len(cursor.prefix) or not (text.startswith(cursor.prefix) and text.endswith(cursor.suffix)):
        return None
    return text[len(cursor.prefix) : end]


def agree(typed: str, text: str) -> bool:
    """Whether one begins as the other does; brackets that the editor may have closed behind the cursor do not count."""
    return any(text.startswith(start) or start.startswith(text) for start in (typed, _CLOSED_BEHIND.sub("", typed)))


def _closings(text: str) -> Iterator[str]:
    """What an editor may have inserted at the start of the text after the cursor: nothing, and closed brackets."""
    yield ""
    at = 0
    while closing := _CLOSING.match(text, at):
        at = closing.end()
        yield text[:at]


def _continued(kept: _Kept, cursor: Cursor, end: int) -> Reused | None:
    """What is left at a cursor of a suggestion that was made behind the first `end` characters, if that fits."""
    suggestion, typed = kept.reused.suggestion, cursor.prefix[end:]
    if typed and not (suggestion and suggestion.text.startswith(typed)):
        return None
    for closed in islice(_closings(cursor.suffix), _MAX_CLOSED + 1):
        start = replace(cursor, prefix=cursor.prefix[:end], suffix=cursor.suffix[len(closed) :])
        if _hash(start) != kept.file:
            continue
        if not typed and not closed:
            return kept.reused
        if suggestion and (rest := _rest(replace(suggestion, text=suggestion.text[len(typed) :]), closed)):
            return replace(kept.reused, suggestion=rest)
    return None


def _rest(suggestion: Suggestion, closed: str) -> Suggestion | None:
    """A suggestion that leads to the same file where the editor has put `closed` behind the cursor."""
    if closed and not suggestion.n_replaced and suggestion.text.endswith(closed):
        suggestion = replace(suggestion, text=suggestion.text.removesuffix(closed))
    elif "\n" in closed or not _is_within(closed, suggestion.text):
        return None
    else:
        suggestion = replace(suggestion, n_replaced=len(closed) + suggestion.n_replaced)
    return suggestion if suggestion.text.strip() else None


def _is_within(closed: str, text: str) -> bool:
    """Whether all characters come in the text, in this order: an editor shows only such a replacement as ghost text."""
    characters = iter(text)
    return all(closing in characters for closing in closed)


def _key(uri: str, cursor: Cursor, end: int) -> _Key:
    """The key of the place that the first `end` characters stand before."""
    return _Key(uri, cursor.path, cursor.language, cursor.prefix[max(end - TAIL_CHARS, 0) : end])


def _hash(cursor: Cursor) -> int:
    return hash((cursor.prefix, cursor.suffix))
