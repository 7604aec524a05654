"""Suggestions as LSP has them: items of inline completion, and an item of the completion menu where there is no such.

A request is answered with an empty list whenever there is nothing to show, never with `null` or an error: Neovim leaves
the old ghost text standing after either of them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import replace

from lsprotocol import types

from midfill_lsp.session import MidfillServer
from midfill_lsp.suggesting.explanation import Explanation, Stage
from midfill_lsp.suggesting.suggestion import Place, Selected, Suggestion
from midfill_model.engine import Engine

_WORD = re.compile(r"\w*\Z")


def inline_completion(
    ls: MidfillServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList | Awaitable[types.InlineCompletionList]:
    """Answers at once, or takes a picture of document and cursor and returns the answer as an awaitable."""
    context = params.context
    is_invoked = context.trigger_kind is types.InlineCompletionTriggerKind.Invoked
    place = _place(ls, params.text_document.uri, params.position, is_invoked=is_invoked)
    if place and context.selected_completion_info:
        place = _behind(ls, place, context.selected_completion_info)
    engine = _engine_for(ls, place)
    return _inline_items(ls, engine, place) if place and engine else types.InlineCompletionList([])


def completion(
    ls: MidfillServer, params: types.CompletionParams
) -> types.CompletionList | Awaitable[types.CompletionList]:
    """The same for the completion menu of an editor without inline completion: at most one item."""
    is_wanted = ls.settings.fallback_completion
    place = _place(ls, params.text_document.uri, params.position) if is_wanted else None
    engine = _engine_for(ls, place)
    return _menu_items(ls, engine, place) if place and engine else types.CompletionList(True, [])


def _place(ls: MidfillServer, uri: str, position: types.Position, *, is_invoked: bool = False) -> Place | None:
    document = ls.documents.find(uri)
    if document is None or position.line >= len(document.lines):
        return None
    offset = document.offset_at(position.line, position.character, ls.protocol.position_encoding)
    return Place(document, offset, ls.projects.folders, is_invoked)


def _behind(ls: MidfillServer, place: Place, info: types.SelectedCompletionInfo) -> Place | None:
    """The place behind what is selected in the editor's menu; `None` where that is not for the cursor."""
    start, end = (
        place.document.offset_at(position.line, position.character, ls.protocol.position_encoding)
        for position in (info.range.start, info.range.end)
    )
    return replace(place, selected=Selected(start, end, info.text)) if start <= place.offset <= end else None


def _engine_for(ls: MidfillServer, place: Place | None) -> Engine | None:
    """The engine, if it may be asked and can be; else why not is to be had from `midfill.explain`."""
    if place is None:
        return None
    engine, why = ls.slot.engine, ls.why_not_asked(place.document)
    if why is not None:
        ls.completer.explain(place.document.uri, Explanation(why, Stage.SETTINGS))
        return None
    if engine is None:
        why = ls.slot.status.reason or "the model is still loading"
        ls.completer.explain(place.document.uri, Explanation(why, Stage.ENGINE))
    return engine


async def _inline_items(ls: MidfillServer, engine: Engine, place: Place) -> types.InlineCompletionList:
    items = []
    for suggestion, accept in await _offered(ls, engine, place):
        edit = _edit(ls, place, suggestion)
        items.append(types.InlineCompletionItem(edit.new_text, range=edit.range, command=accept))
    return types.InlineCompletionList(items)


async def _menu_items(ls: MidfillServer, engine: Engine, place: Place) -> types.CompletionList:
    """A menu filters by the word before the cursor, so the item replaces that by itself."""
    text = place.document.text
    word = _WORD.search(text, text.rfind("\n", 0, place.offset) + 1, place.offset)
    assert word is not None  # it may be empty
    place = replace(place, selected=Selected(word.start(), place.offset, word[0]))
    items = [
        types.CompletionItem(
            _label(word[0], suggestion.text),
            detail="midfill",
            filter_text=word[0] + suggestion.text.partition("\n")[0] or None,
            sort_text="~",  # below what the language knows
            preselect=False,
            insert_text_mode=types.InsertTextMode.AsIs,
            text_edit=_edit(ls, place, suggestion),
            command=accept,
        )
        for suggestion, accept in await _offered(ls, engine, place)
    ]
    return types.CompletionList(True, items)


def _label(word: str, text: str) -> str:
    """The first line that there is something in, with the word that it goes on with."""
    goes_on = text.partition("\n")[0].strip()
    return (word + text if goes_on else text).strip().partition("\n")[0].strip()


async def _offered(ls: MidfillServer, engine: Engine, place: Place) -> list[tuple[Suggestion, types.Command]]:
    """What there is to show, each with the command that tells of its acceptance."""
    answer = await ls.completer.suggest(engine, ls.settings, place)
    if answer is None or ls.why_not_asked(place.document):  # by now
        return []
    ls.note_latency(answer)
    ids = ls.shown.take(place, engine.status.model, answer)
    commands = (types.Command("Accept", "midfill.accept", arguments=[each]) for each in ids)
    return list(zip(answer.suggestions, commands, strict=True))


def _edit(ls: MidfillServer, place: Place, suggestion: Suggestion) -> types.TextEdit:
    replaced, encoding = place.replaced, ls.protocol.position_encoding
    start, end = (
        types.Position(*place.document.position_at(offset, encoding))
        for offset in (replaced.start, replaced.end + suggestion.n_replaced)
    )
    return types.TextEdit(types.Range(start, end), replaced.text + suggestion.text)
