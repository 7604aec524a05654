"""The language server: what each LSP message does, in thin handlers over the session.

A request for a completion is answered with `{items: []}` whenever there is nothing to show, never with `null`
or an error: Neovim leaves the old ghost text standing after either of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from midfill_lsp.completing import why_not_asked
from midfill_lsp.documents import Document, Edit
from midfill_lsp.engine_slot import OpenEngine
from midfill_lsp.explanation import Explanation, Stage
from midfill_lsp.prefetching import likely_offset
from midfill_lsp.session import MidfillServer
from midfill_lsp.suggestion import Place
from midfill_model.engine import Engine

logger = logging.getLogger(__name__)


def create_server(open_engine: OpenEngine) -> MidfillServer:
    """A server whose engine comes from `open_engine`, which is called in a thread of its own."""
    server = MidfillServer(open_engine)
    for method, handler in _HANDLERS.items():
        server.feature(method, _OPTIONS.get(method))(handler)
    for name, command in _COMMANDS.items():
        server.command(name)(command)
    return server


def initialize(ls: MidfillServer, params: types.InitializeParams) -> None:
    folders = params.workspace_folders
    if folders is None and params.root_uri:
        folders = [types.WorkspaceFolder(params.root_uri, "")]
    for folder in folders or []:
        ls.projects.add(folder.uri)
    ls.take_first_settings(params.initialization_options)


def initialized(ls: MidfillServer, params: types.InitializedParams) -> None:
    ls.in_background(ls.start())


def did_open(ls: MidfillServer, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    document = Document.from_text(item.uri, str(item.language_id), item.version, item.text)
    ls.documents.open(document)
    ls.projects.took(document)


def did_change(ls: MidfillServer, params: types.DidChangeTextDocumentParams) -> None:
    uri, edits = params.text_document.uri, [_edit_of(change) for change in params.content_changes]
    ls.documents.change(uri, params.text_document.version, edits, ls.protocol.position_encoding)
    if document := ls.documents.find(uri):
        ls.projects.took(document, edits[-1].span[0][0] + 1 if edits and edits[-1].span else None)
        _go_along(ls, document, edits)


def _go_along(ls: MidfillServer, document: Document, edits: list[Edit]) -> None:
    """What was asked and shown may not hold for the new text; its prompt can be read in advance."""
    ls.shown.edited(document)
    ls.completer.edited(document)
    offset = likely_offset(document, edits[-1], ls.protocol.position_encoding) if edits else None
    engine = ls.slot.engine if why_not_asked(ls.settings, document) is None else None
    if engine is not None and offset is not None:
        ls.completer.rest(engine, ls.settings, Place(document, offset, ls.projects.folders))


def did_save(ls: MidfillServer, params: types.DidSaveTextDocumentParams) -> None:
    ls.projects.changed([params.text_document.uri])


def did_change_files(ls: MidfillServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Besides the index's own watch: some file systems report changes to their editor alone."""
    ls.projects.changed(change.uri for change in params.changes)


def did_close(ls: MidfillServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.documents.close(params.text_document.uri)
    ls.completer.forget(params.text_document.uri)
    ls.shown.forget(params.text_document.uri)
    ls.projects.close(params.text_document.uri)


def did_change_folders(ls: MidfillServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
    for removed in params.event.removed:
        ls.projects.remove(removed.uri)
    for added in params.event.added:
        ls.projects.add(added.uri)


def did_change_configuration(ls: MidfillServer, params: types.DidChangeConfigurationParams) -> None:
    """Some clients push what changed, others only say that something did and want to be asked."""
    if params.settings:
        ls.take_settings(params.settings)
    else:
        ls.in_background(ls.pull_settings())


def inline_completion(
    ls: MidfillServer, params: types.InlineCompletionParams
) -> types.InlineCompletionList | Awaitable[types.InlineCompletionList]:
    """Answers at once, or takes a picture of document and cursor and returns the answer as an awaitable."""
    document = ls.documents.find(params.text_document.uri)
    if document is None or params.position.line >= len(document.lines):
        return types.InlineCompletionList([])
    engine, why = ls.slot.engine, why_not_asked(ls.settings, document)
    if why is not None:
        ls.completer.explain(document.uri, Explanation(why, Stage.SETTINGS))
        return types.InlineCompletionList([])
    if engine is None:
        why = ls.slot.status.reason or "the model is still loading"
        ls.completer.explain(document.uri, Explanation(why, Stage.ENGINE))
        return types.InlineCompletionList([])
    encoding = ls.protocol.position_encoding
    place = Place(
        document,
        document.offset_at(params.position.line, params.position.character, encoding),
        ls.projects.folders,
        is_invoked=params.context.trigger_kind is types.InlineCompletionTriggerKind.Invoked,
    )
    return _suggested(ls, engine, place)


async def _suggested(ls: MidfillServer, engine: Engine, place: Place) -> types.InlineCompletionList:
    answer = await ls.completer.suggest(engine, ls.settings, place)
    suggestion_id = ls.shown.take(place, engine.status.model, answer) if answer else None
    if answer is None or answer.suggestion is None or suggestion_id is None:
        return types.InlineCompletionList([])
    accept = types.Command("Accept", "midfill.accept", arguments=[suggestion_id])
    suggestion, encoding = answer.suggestion, ls.protocol.position_encoding
    start, end = (
        types.Position(*place.document.position_at(offset, encoding))
        for offset in (place.offset, place.offset + suggestion.n_replaced)
    )
    item = types.InlineCompletionItem(suggestion.text, range=types.Range(start, end), command=accept)
    return types.InlineCompletionList([item])


def accept(ls: MidfillServer, suggestion_id: object) -> bool:
    """The user took a suggestion; says whether it was one that is remembered."""
    return ls.shown.accept(_string(suggestion_id, "id"))


def accept_partial(ls: MidfillServer, suggestion_id: object, length: object) -> bool:
    """The user took the first `length` UTF-16 units of a suggestion, as LSP clients count them."""
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise JsonRpcInvalidParams("length: must be a whole number")
    return ls.shown.accept_partial(_string(suggestion_id, "id"), length)


def explain(ls: MidfillServer, uri: object) -> dict[str, object]:
    """Why the newest request in a document got the suggestion it got, or none."""
    uri = _string(uri, "uri")
    if ls.documents.find(uri) is None:
        return Explanation("the document is not open").to_wire()
    return ls.completer.explanation(uri).to_wire()


def restart_engine(ls: MidfillServer) -> None:
    ls.restart_engine()


def _string(argument: object, name: str) -> str:
    if not isinstance(argument, str):
        raise JsonRpcInvalidParams(f"{name}: must be a string")
    return argument


def _edit_of(change: types.TextDocumentContentChangeEvent) -> Edit:
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return Edit(change.text)
    start, end = change.range.start, change.range.end
    return Edit(change.text, ((start.line, start.character), (end.line, end.character)))


_HANDLERS: dict[str, Callable[[MidfillServer, Any], object]] = {
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.TEXT_DOCUMENT_DID_OPEN: did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.TEXT_DOCUMENT_DID_SAVE: did_save,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_files,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: inline_completion,
}

# pygls advertises inline completion only when it is registered with options.
_OPTIONS: dict[str, object] = {types.TEXT_DOCUMENT_INLINE_COMPLETION: types.InlineCompletionOptions()}

_COMMANDS: dict[str, Callable[..., object]] = {
    "midfill.accept": accept,
    "midfill.acceptPartial": accept_partial,
    "midfill.explain": explain,
    "midfill.restartEngine": restart_engine,
}
