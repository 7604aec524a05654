"""`midfill.pullModel`: a model of the catalogue is got while the editor goes on, once the user has agreed to it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from midfill_lsp.models.model_choice import local_model
from midfill_lsp.wire.progress import progress
from midfill_lsp.wire.threads import call_soon, run_aside
from midfill_model.errors import ModelUnavailable
from midfill_model.files import store
from midfill_model.files.catalogue import CatalogueEntry, find_entry
from midfill_model.files.pull import is_right, pull

if TYPE_CHECKING:
    from midfill_lsp.session import MidfillServer

_DOWNLOAD = "Download"


class _Unwanted(Exception):
    """Ends a download in its thread."""


async def pull_model(ls: MidfillServer, name: str) -> Path | None:
    """The file of a model, downloaded where it is not there; `None` where the user declined.

    ModelError where there is no such model, or it cannot be had: it says what to do. An engine that failed for want of
    the model is opened again.
    """
    entry = find_entry(name)
    if name in ls.pulling:
        raise ModelUnavailable(f"{name} is being downloaded already")
    ls.pulling.add(name)
    try:
        path = store.stored_path(name)
        if not await run_aside(is_right, entry, path):
            if not await _agreed(ls, entry):
                return None
            path = await _pulled(ls, entry)
    finally:
        ls.pulling.remove(name)
    if local_model(ls.settings) == name:
        ls.mend_engine()
    return path


async def _agreed(ls: MidfillServer, entry: CatalogueEntry) -> bool:
    """Ask. Of a client that cannot ask, the command itself is a yes, unless the licence wants more than that."""
    licence = entry.licence
    message = f"midfill: download {entry}? {licence.summary} ({licence.url})"
    buttons = [types.MessageActionItem(_DOWNLOAD), types.MessageActionItem("Cancel")]
    question = types.ShowMessageRequestParams(types.MessageType.Info, message, buttons)
    try:
        answer = await ls.window_show_message_request_async(question)
    except JsonRpcException:
        if licence.needs_acceptance:
            raise ModelUnavailable(
                f"this editor cannot show {licence.name} ({licence.url}), which must be accepted; "
                f"run `midfill model pull {entry.name}` in a terminal"
            ) from None
        return True
    return answer is not None and answer.title == _DOWNLOAD


async def _pulled(ls: MidfillServer, entry: CatalogueEntry) -> Path:
    """Download in a thread, which ends by itself where nobody wants the file any more."""
    loop, is_unwanted = asyncio.get_running_loop(), threading.Event()
    async with progress(ls, f"midfill: downloading {entry.name}") as bar:

        def tell(done: int, total: int) -> None:
            if is_unwanted.is_set():
                raise _Unwanted
            call_soon(loop, bar.report, done, total)

        work = run_aside(pull, entry, lambda licence: True, tell)
        cancelled = asyncio.ensure_future(bar.cancelled.wait())
        both: set[asyncio.Future[Any]] = {work, cancelled}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ModelUnavailable(f"the download of {entry.name} was cancelled; pull it again to have it")
            return work.result()
        finally:
            is_unwanted.set()
            work.cancel()
            cancelled.cancel()
