"""The commands that a client may run by `workspace/executeCommand`, with arguments by position.

The first line of each docstring is what the reference says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from midfill_lsp.models import pulling
from midfill_lsp.models.model_choice import models_to_wire
from midfill_lsp.outcomes.figures import FiguresError, read_figures
from midfill_lsp.outcomes.statistics import statistics_path
from midfill_lsp.pausing import Pauses, pauses_from
from midfill_lsp.session import MidfillServer
from midfill_lsp.suggesting.explanation import Explanation
from midfill_lsp.wire.threads import run_aside
from midfill_model.errors import ModelError


class RequestFailed(JsonRpcException):
    """LSP's error for a request that was right and could not be fulfilled; its message is for the user."""

    CODE = -32803


def accept(ls: MidfillServer, id: object) -> bool:
    """The user took a suggestion; says whether it was one that is remembered."""
    return ls.shown.accept(_string(id, "id"))


def accept_partial(ls: MidfillServer, id: object, length: object) -> bool:
    """The user took the first `length` UTF-16 units of a suggestion."""
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise JsonRpcInvalidParams("length: must be a whole number")
    return ls.shown.accept_partial(_string(id, "id"), length)


def explain(ls: MidfillServer, uri: object) -> dict[str, object]:
    """Why the newest request in a document got the suggestion it got, or none, in words and figures."""
    uri = _string(uri, "uri")
    if ls.documents.find(uri) is None:
        return Explanation("the document is not open").to_wire()
    return ls.completer.explanation(uri).to_wire()


def pause(ls: MidfillServer, extent: object = None) -> dict[str, object]:
    """Suggest nothing in a language, in a document, or anywhere where `{language?, uri?}` names neither, until the
    server ends; answers the status."""
    ls.pauses |= _pauses(extent)
    return ls.status()


def resume(ls: MidfillServer, extent: object = None) -> dict[str, object]:
    """End a pause; where `{language?, uri?}` names neither, every pause. Answers the status."""
    ls.pauses -= _pauses(extent)
    return ls.status()


def status(ls: MidfillServer) -> dict[str, object]:
    """What `midfill/status` told last."""
    return ls.status()


async def stats(ls: MidfillServer) -> list[dict[str, object]]:
    """What `midfill stats --json` prints: what became of the suggestions."""
    with _told():
        await run_aside(ls.statistics.flush)
        return [asdict(row) for row in await run_aside(read_figures, statistics_path())]


async def models(ls: MidfillServer) -> list[dict[str, object]]:
    """The models there are: `name, description, licence, licenceUrl?, bytes, installed, active, needsMemoryBytes?`."""
    return await run_aside(models_to_wire, ls.settings)


async def select_model(ls: MidfillServer, name: object) -> dict[str, object]:
    """Complete with an installed model, or a GGUF by its path, until the server ends or the settings name another;
    answers the status once it is open."""
    with _told():
        await ls.select_model(_string(name, "name"))
    return ls.status()


async def pull_model(ls: MidfillServer, name: object) -> dict[str, str] | None:
    """Download a model of the catalogue, once the user has agreed (`window/showMessageRequest`), with work-done
    progress that can be cancelled; answers `{name, path}`, or `null` where the user declined."""
    name = _string(name, "name")
    with _told():
        path = await pulling.pull_model(ls, name)
    return {"name": name, "path": str(path)} if path else None


def restart_engine(ls: MidfillServer) -> None:
    """Close the engine and open it again, whatever state it is in."""
    ls.restart_engine()


@contextmanager
def _told() -> Iterator[None]:
    """What the user can do something about becomes the error of the request, message and all."""
    try:
        yield
    except (ModelError, FiguresError) as error:
        raise RequestFailed(str(error)) from error


def _pauses(extent: object) -> Pauses:
    try:
        return pauses_from(extent)
    except ValueError as problem:
        raise JsonRpcInvalidParams(f"extent: {problem}") from None


def _string(argument: object, name: str) -> str:
    if not isinstance(argument, str):
        raise JsonRpcInvalidParams(f"{name}: must be a string")
    return argument


COMMANDS: dict[str, Callable[..., object]] = {
    "midfill.accept": accept,
    "midfill.acceptPartial": accept_partial,
    "midfill.explain": explain,
    "midfill.pause": pause,
    "midfill.resume": resume,
    "midfill.status": status,
    "midfill.stats": stats,
    "midfill.models": models,
    "midfill.selectModel": select_model,
    "midfill.pullModel": pull_model,
    "midfill.restartEngine": restart_engine,
}
