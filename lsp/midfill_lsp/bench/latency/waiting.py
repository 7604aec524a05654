"""What it costs how a model's threads wait for each other, on a machine that is free and on a busy one.

The same tokens are written in every way in turn, first alone, then beside as many processes as there are processors.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from midfill_context.cursor import Cursor
from midfill_lsp.bench.figures import Progress
from midfill_model.engine import CompletionRequest, Ending, Limits
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.llama_engine import LlamaEngine, loaded
from midfill_model.local.tuning import n_usable_cores
from midfill_model.local.waiting import WAITING
from midfill_model.local.wire import EngineOptions

WAYS: Mapping[str, Mapping[str, str]] = {"asleep": WAITING, "spinning": {"OMP_WAIT_POLICY": "active"}}
N_CTX = 1024
N_TOKENS = 32
MAX_MS = 5000.0  # for those tokens: what spins on a busy machine would take minutes
PROMPT_CHARS = 1500


@dataclass(frozen=True)
class Way:
    """Median times of a token in milliseconds, alone and beside busy processes."""

    name: str
    alone_ms: float
    busy_ms: float


@dataclass(frozen=True)
class WaitingResult:
    """What `midfill bench waiting` prints."""

    model: str
    n_rounds: int
    ways: tuple[Way, ...]


def run(n_rounds: int, progress: Progress, model: str = "") -> WaitingResult:
    """Write in every way, `n_rounds` times. ModelError, EngineError."""
    found = find_model(model or DEFAULT_MODEL)
    text = Path(textwrap.__file__).read_text(encoding="utf-8")
    times: dict[tuple[str, bool], list[float]] = {(name, is_busy): [] for is_busy in (False, True) for name in WAYS}
    for is_busy in (False, True):
        with _busy_processors() if is_busy else nullcontext():
            for number in range(n_rounds):
                progress(f"round {number + 1} of {n_rounds}, {'busy' if is_busy else 'alone'}")
                start = number * PROMPT_CHARS // 2 % len(text)
                cursor = Cursor("python", "text.py", text[start : start + PROMPT_CHARS], "")
                for name, environment in WAYS.items():
                    with _environment(environment):
                        times[name, is_busy].append(_ms_per_token(found.path, cursor))
    medians = {key: round(statistics.median(found), 1) for key, found in times.items()}
    return WaitingResult(
        found.name, n_rounds, tuple(Way(name, medians[name, False], medians[name, True]) for name in WAYS)
    )


def render(result: WaitingResult) -> str:
    """The figures as a Markdown table."""
    rows = [f"| {way.name} | {way.alone_ms:.1f} ms | {way.busy_ms:.1f} ms |" for way in result.ways]
    return "\n".join(["| threads wait | a token, alone | beside busy processes |", "|---|---|---|", *rows])


def _ms_per_token(path: Path, cursor: Cursor) -> float:
    with loaded(LlamaEngine(path, EngineOptions(n_ctx=N_CTX))) as engine:
        engine.submit(CompletionRequest(cursor, limits=Limits(0))).result()  # only writing counts
        request = CompletionRequest(cursor, limits=Limits(N_TOKENS, decode_ms=MAX_MS), ending=Ending.RAW)
        timings = engine.submit(request).result().timings
        return timings.decode_ms / max(timings.n_completion_tokens, 1)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _busy_processors() -> Iterator[None]:
    command = [sys.executable, "-I", "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(n_usable_cores())]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
