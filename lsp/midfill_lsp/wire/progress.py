"""Work-done progress: what takes a while, shown by clients that can show it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from midfill_lsp.wire.asking import answered

if TYPE_CHECKING:
    from midfill_lsp.session import MidfillServer


async def show_progress(ls: MidfillServer, title: str, work: Coroutine[Any, Any, object]) -> None:
    """Show that something is being done, where it takes longer than the client's answer to that."""
    doing = asyncio.ensure_future(work)
    token = await _created(ls)
    if doing.done():
        return
    ls.work_done_progress.begin(token, types.WorkDoneProgressBegin(title=title))
    await doing
    ls.work_done_progress.end(token, types.WorkDoneProgressEnd())


class Bar:
    """How far something is, which the user may cancel."""

    def __init__(self, ls: MidfillServer, token: str | None) -> None:
        self.cancelled = asyncio.Event()
        self._ls = ls
        self._token = token
        self._percentage = 0

    def report(self, done: int, total: int) -> None:
        """So much is done, of so much."""
        percentage = 100 * done // total if total else 100
        if self._token and percentage > self._percentage:
            self._percentage = percentage
            self._ls.work_done_progress.report(self._token, types.WorkDoneProgressReport(percentage=percentage))


@asynccontextmanager
async def progress(ls: MidfillServer, title: str) -> AsyncIterator[Bar]:
    """Show how far something is, while the block runs; a client that cannot show it is told nothing."""
    if not ls.can("window.work_done_progress"):
        yield Bar(ls, None)
        return
    token = await _created(ls)
    bar = Bar(ls, token)
    begin = types.WorkDoneProgressBegin(title=title, percentage=0, cancellable=True)
    ls.work_done_progress.begin(token, begin)
    ls.work_done_progress.tokens[token].add_done_callback(lambda _: bar.cancelled.set())
    try:
        yield bar
    finally:
        ls.work_done_progress.end(token, types.WorkDoneProgressEnd())


def cancel_progress(ls: MidfillServer, params: types.WorkDoneProgressCancelParams) -> None:
    """The user wants no more of what is shown with a token."""
    if waiting := ls.work_done_progress.tokens.get(params.token):
        waiting.cancel()


async def _created(ls: MidfillServer) -> str:
    token = str(uuid.uuid4())  # never used twice: pygls neither forgets a token nor takes it again
    await answered(ls.work_done_progress.create_async(token))
    return token
