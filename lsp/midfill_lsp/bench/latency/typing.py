"""A typing session: how much of each prompt is reused, how long a keystroke waits, how fast a cancel frees the worker.

The keystrokes go through the real server over stdio.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from midfill_lsp import __version__
from midfill_lsp.bench.figures import Progress, percentile
from midfill_lsp.bench.latency.cancelling import LOAD_TIMEOUT_S, Cancels, measure_cancels
from midfill_lsp.session import STATUS
from midfill_model.engine import EngineState
from midfill_model.errors import EngineError


@dataclass(frozen=True)
class Keystroke:
    """One key: the time to its answer, and what the prompt took; `is_shown` if there was a suggestion."""

    wait_ms: float
    n_prompt_tokens: int
    n_reused_tokens: int
    is_shown: bool


@dataclass(frozen=True)
class TypingResult:
    """What `midfill bench typing` prints; times in milliseconds, `reused` is the mean share after the first key."""

    model: str
    n_keystrokes: int
    n_shown: int
    reused: float
    wait_p50_ms: float
    wait_p95_ms: float
    first_wait_ms: float
    cancels: Cancels


def run(model: str, file: Path | None, n_keystrokes: int, progress: Progress) -> TypingResult:
    """Play the session; `file` is what is typed into, by default a module of the standard library."""
    source = file or Path(textwrap.__file__)
    text = source.read_text(encoding="utf-8")
    keystrokes = asyncio.run(_type(source, text, model, n_keystrokes, progress))
    cancels = measure_cancels(model, text, progress)
    waits = [key.wait_ms for key in keystrokes[1:]]
    shares = [key.n_reused_tokens / key.n_prompt_tokens for key in keystrokes[1:] if key.n_prompt_tokens]
    return TypingResult(
        model=cancels.model,
        n_keystrokes=len(keystrokes),
        n_shown=sum(key.is_shown for key in keystrokes),
        reused=round(statistics.fmean(shares or [1.0]), 4),  # without a share, no key needed the model
        wait_p50_ms=percentile(waits, 50),
        wait_p95_ms=percentile(waits, 95),
        first_wait_ms=round(keystrokes[0].wait_ms, 1),
        cancels=cancels,
    )


async def _type(source: Path, text: str, model: str, n_keystrokes: int, progress: Progress) -> list[Keystroke]:
    """Take lines out of the middle of the file and type the beginning in again, waiting for each answer."""
    start = text.index("\n", len(text) * 2 // 3) + 1
    typed = text[start : start + n_keystrokes]
    client = await connect({"model": model, "decodeBudgetMs": 10_000})
    uri = source.absolute().as_uri()
    left_out = text[:start] + text[text.index("\n", start + len(typed)) :]
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 0, left_out)))
    line, character = text[:start].count("\n"), 0
    keystrokes = []
    for number, key in enumerate(typed, 1):
        started = time.perf_counter()
        place = types.Position(line, character)
        edit = types.TextDocumentContentChangePartial(range=types.Range(place, place), text=key)
        document = types.VersionedTextDocumentIdentifier(number, uri)
        client.text_document_did_change(types.DidChangeTextDocumentParams(document, [edit]))
        line, character = (line + 1, 0) if key == "\n" else (line, character + 1)
        keystrokes.append(await _ask(client, uri, types.Position(line, character), started))
        progress(f"typing {number}/{len(typed)}")
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()  # type: ignore[no-untyped-call]
    return keystrokes


async def connect(options: Mapping[str, object], folder: Path | None = None) -> LanguageClient:
    """A started server whose model is loaded, with these settings; `folder` is its workspace.

    What is measured does not count as used.
    """
    options = {**options, "statistics": False}
    client = LanguageClient("midfill-bench", __version__)
    settled: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @client.feature(STATUS)  # type: ignore[untyped-decorator]
    def on_status(params: Any) -> None:  # not `object`: pygls would take it for the client itself
        if params.state in (EngineState.READY.value, EngineState.ERROR.value) and not settled.done():
            settled.set_result(params.reason)

    await client.start_io(sys.executable, "-I", "-m", "midfill_lsp")
    folders = [types.WorkspaceFolder(folder.as_uri(), folder.name)] if folder else None
    await client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), initialization_options=options, workspace_folders=folders)
    )
    client.initialized(types.InitializedParams())
    try:
        reason = await asyncio.wait_for(settled, LOAD_TIMEOUT_S)
    except asyncio.TimeoutError:
        reason = f"the model was not loaded within {LOAD_TIMEOUT_S:.0f} s"
    if reason:
        raise EngineError(reason)
    return client


async def _ask(client: LanguageClient, uri: str, place: types.Position, started: float) -> Keystroke:
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    document = types.TextDocumentIdentifier(uri)
    answer = await client.text_document_inline_completion_async(types.InlineCompletionParams(context, document, place))
    wait_ms = (time.perf_counter() - started) * 1000
    command = types.ExecuteCommandParams("midfill.explain", [uri])
    why = await client.workspace_execute_command_async(command)
    assert isinstance(answer, types.InlineCompletionList)
    assert isinstance(why, dict)
    return Keystroke(wait_ms, why["n_prompt_tokens"], why["n_reused_tokens"], bool(answer.items))


def render(result: TypingResult) -> str:
    """The figures for people."""
    return "\n".join(
        [
            f"model                    {result.model}",
            f"keystrokes               {result.n_keystrokes}, {result.n_shown} with a suggestion",
            f"prompt tokens reused     {result.reused:.1%} (mean after the first keystroke)",
            f"keystroke to suggestion  p50 {result.wait_p50_ms:.0f} ms, p95 {result.wait_p95_ms:.0f} ms,"
            f" first {result.first_wait_ms:.0f} ms",
            f"cancel to worker free    {result.cancels}",
        ]
    )
