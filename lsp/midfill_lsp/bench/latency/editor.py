"""An editor that asks midfill for inline completions: after every key, and withdraws what it asked before.

So does VS Code. The server is a process of its own.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from midfill_context.languages import language_of
from midfill_lsp.bench.latency.playing import Origin
from midfill_lsp.bench.latency.script import Buffer, Edit, Shown


class Editor:
    """`Player` of midfill; `client` speaks to the server, which is ready and whose workspace is `folder`."""

    name = "midfill"

    def __init__(self, client: LanguageClient, folder: Path, server: psutil.Process) -> None:
        self._client = client
        self._folder = folder
        self._server = server
        self._uri, self._buffer, self._version = "", Buffer(""), 0
        self._asked: Future[Any] | None = None
        self._asked_id = ""

    def processes(self) -> list[psutil.Process]:
        return [self._server, *self._server.children(recursive=True)]

    def open(self, path: str, buffer: Buffer) -> None:
        self._uri, self._buffer, self._version = (self._folder / path).as_uri(), buffer, 0
        known = language_of(path)
        item = types.TextDocumentItem(self._uri, known.id if known else "", self._version, buffer.text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def pressed(self, edit: Edit | None, before: Buffer) -> None:
        self._withdraw()
        if edit is None:
            return
        start, end = (types.Position(*before.position(offset)) for offset in (edit.start, edit.end))
        self._version += 1
        change = types.TextDocumentContentChangePartial(range=types.Range(start, end), text=edit.text)
        document = types.VersionedTextDocumentIdentifier(self._version, self._uri)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        self._ask()

    async def answer(self) -> Shown | None:
        assert self._asked is not None
        found = await asyncio.wrap_future(self._asked)
        assert isinstance(found, types.InlineCompletionList)
        if not found.items:
            return None
        item = found.items[0]
        assert isinstance(item.insert_text, str)
        n_replaced = item.range.end.character - item.range.start.character if item.range else 0
        return Shown(item.insert_text, n_replaced)

    async def origin(self) -> Origin:
        command = types.ExecuteCommandParams("midfill.explain", [self._uri])
        why = await self._client.workspace_execute_command_async(command)
        assert isinstance(why, dict)
        counts = [why[name] for name in ("n_prompt_tokens", "n_reused_tokens", "n_completion_tokens")]
        return Origin(counts[0] > 0, *counts)

    async def leave(self) -> None:
        self._withdraw()
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self._uri)))

    async def close(self) -> None:
        await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()  # type: ignore[no-untyped-call]

    def _ask(self) -> None:
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
        place = types.Position(*self._buffer.position(self._buffer.offset))
        params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(self._uri), place)
        self._asked_id = str(uuid.uuid4())
        method = types.TEXT_DOCUMENT_INLINE_COMPLETION
        self._asked = self._client.protocol.send_request(method, params, msg_id=self._asked_id)

    def _withdraw(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(self._asked_id))
        self._asked = None
