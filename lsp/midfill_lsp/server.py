"""The language server: what each LSP message does, in thin handlers over the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types

from midfill_lsp.client_commands import COMMANDS
from midfill_lsp.documents import Document, Edit
from midfill_lsp.models.engine_slot import OpenEngine
from midfill_lsp.session import MidfillServer
from midfill_lsp.suggesting.offering import completion, inline_completion
from midfill_lsp.suggesting.prefetching import likely_offset
from midfill_lsp.suggesting.suggestion import Place
from midfill_lsp.wire.progress import cancel_progress


def create_server(open_engine: OpenEngine) -> MidfillServer:
    """A server whose engine comes from `open_engine`, which is called in a thread of its own."""
    server = MidfillServer(open_engine)
    for method, handler in (_HANDLERS | NOTIFICATIONS).items():
        server.feature(method, _OPTIONS.get(method))(handler)
    for name, command in COMMANDS.items():
        server.command(name)(command)
    return server


def initialize(ls: MidfillServer, params: types.InitializeParams) -> None:
    folders = params.workspace_folders
    if folders is None and params.root_uri:
        folders = [types.WorkspaceFolder(params.root_uri, "")]
    for folder in folders or []:
        ls.projects.add(folder.uri)
    ls.take_first_settings(params.initialization_options)
    if not ls.settings.fallback_completion:
        ls.protocol.unadvertised.add(types.TEXT_DOCUMENT_COMPLETION)


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
    engine = ls.slot.engine if ls.why_not_asked(document) is None else None
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


def did_show_completion(ls: MidfillServer, params: object) -> None:
    """`{item}`: an item of inline completion is displayed. Of an editor that ever says so, only that counts."""
    if suggestion_id := _id_of(params):
        ls.shown.displayed(suggestion_id)


def did_partially_accept_completion(ls: MidfillServer, params: object) -> None:
    """`{item, acceptedLength}`: of the item's `insertText` so many UTF-16 units, from its start, are accepted."""
    length = params.get("acceptedLength") if isinstance(params, Mapping) else None
    if (suggestion_id := _id_of(params)) and isinstance(length, int):
        ls.shown.accept_partial(suggestion_id, max(length, 0))


def _id_of(params: object) -> str:
    """The id that an item carries; empty where there is none, which is not worth an error."""
    try:
        suggestion_id = params["item"]["command"]["arguments"][0]  # type: ignore[index]
    except (TypeError, KeyError, IndexError):
        return ""
    return suggestion_id if isinstance(suggestion_id, str) else ""


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
    types.WINDOW_WORK_DONE_PROGRESS_CANCEL: cancel_progress,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: inline_completion,
    types.TEXT_DOCUMENT_COMPLETION: completion,
}

# Beyond LSP, in the words of other servers.
NOTIFICATIONS: dict[str, Callable[[MidfillServer, Any], object]] = {
    "textDocument/didShowCompletion": did_show_completion,
    "textDocument/didPartiallyAcceptCompletion": did_partially_accept_completion,
}

# pygls advertises inline completion only when it is registered with options.
_OPTIONS: dict[str, object] = {types.TEXT_DOCUMENT_INLINE_COMPLETION: types.InlineCompletionOptions()}
