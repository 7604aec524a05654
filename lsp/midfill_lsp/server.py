"""The language server: what each LSP message does, in thin handlers over the session.

A request for a completion is answered with `{items: []}` whenever there is nothing to show, never with `null`
or an error: Neovim leaves the old ghost text standing after either of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from midfill_lsp.completing import Place, why_not_asked
from midfill_lsp.documents import Document, Edit
from midfill_lsp.engine_slot import OpenEngine
from midfill_lsp.explanation import Explanation
from midfill_lsp.session import MidfillServer
from midfill_lsp.workspace import path_of
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
        _add_folder(ls, folder)
    ls.take_first_settings(params.initialization_options)


def initialized(ls: MidfillServer, params: types.InitializedParams) -> None:
    ls.in_background(ls.start())


def did_open(ls: MidfillServer, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    ls.documents.open(Document.from_text(item.uri, str(item.language_id), item.version, item.text))


def did_change(ls: MidfillServer, params: types.DidChangeTextDocumentParams) -> None:
    edits = [_edit_of(change) for change in params.content_changes]
    ls.documents.change(params.text_document.uri, params.text_document.version, edits, ls.protocol.position_encoding)


def did_save(ls: MidfillServer, params: types.DidSaveTextDocumentParams) -> None:
    """Nothing yet: what counts is the text in the editor. Advertised, so that clients keep sending it."""


def did_close(ls: MidfillServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.documents.close(params.text_document.uri)
    ls.completer.forget(params.text_document.uri)


def did_change_folders(ls: MidfillServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
    for removed in params.event.removed:
        ls.folders.pop(removed.uri, None)
    for added in params.event.added:
        _add_folder(ls, added)


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
    why = why_not_asked(ls.settings, document)
    engine = ls.slot.engine
    if why is None and engine is None:
        why = ls.slot.status.reason or "the model is still loading"
    if why is not None or engine is None:
        ls.completer.explain(document.uri, Explanation(why or ""))
        return types.InlineCompletionList([])
    encoding = ls.protocol.position_encoding
    place = Place(
        document,
        document.offset_at(params.position.line, params.position.character, encoding),
        tuple(ls.folders.values()),
    )
    return _suggested(ls, engine, place)


async def _suggested(ls: MidfillServer, engine: Engine, place: Place) -> types.InlineCompletionList:
    suggestion = await ls.completer.suggest(engine, ls.settings, place)
    if suggestion is None:
        return types.InlineCompletionList([])
    line, character = place.document.position_at(place.offset, ls.protocol.position_encoding)
    cursor = types.Position(line, character)
    accept = types.Command("Accept", "midfill.accept", arguments=[ls.shown.add(suggestion)])
    item = types.InlineCompletionItem(suggestion.text, range=types.Range(cursor, cursor), command=accept)
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


def _add_folder(ls: MidfillServer, folder: types.WorkspaceFolder) -> None:
    path = path_of(folder.uri)
    if path is not None:
        ls.folders[folder.uri] = path


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
