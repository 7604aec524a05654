"""Retrieval: what it adds to a request, typing in a generated workspace; for two sizes, to see how it grows.

The workspace is made of Python modules with the word statistics of code: few names are everywhere, most are rare. A
session opens a file, writes a call of what the file imports character by character, and goes on to the next file.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from midfill_context.cursor import Chunk, Cursor
from midfill_context.index.workspace import WorkspaceIndex
from midfill_context.retrieval.retriever import Retriever
from midfill_lsp.bench.figures import Progress

N_FILES = (1_000, 10_000)
N_WORDS = 8_000
N_IMPORTS = 8
N_FUNCTIONS = 10
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class SpeedResult:
    """Milliseconds of CPU time that a request for snippets takes; `first` are the first requests in each file.

    `wall_p99_ms` is what the load of the machine makes of it, `refresh_ms` what a file costs in the background when
    the workspace is opened. `n_cut` are the requests that the time limit cut short; `stayed` is the share of
    keystrokes after which all snippets of the former prompt still stood at its head.
    """

    n_files: int
    n_requests: int
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    wall_p99_ms: float
    refresh_ms: float
    n_cut: int
    stayed: float
    mean_tokens: float


def run(n_sessions: int, progress: Progress, sizes: Sequence[int] = N_FILES) -> list[SpeedResult]:
    """Measure with so many files opened, for workspaces of these sizes."""
    return [_measured(n_files, n_sessions, progress) for n_files in sizes]


def render(results: Sequence[SpeedResult]) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| files | requests | CPU p50 / p99 | first in a file | wall p99 | cut short | stayed | refresh a file |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {one.n_files:,} | {one.n_requests:,} | {one.p50_ms:.1f} / {one.p99_ms:.1f} ms"
        f" | {one.first_p50_ms:.1f} / {one.first_p99_ms:.1f} ms | {one.wall_p99_ms:.0f} ms"
        f" | {one.n_cut / one.n_requests:.1%} | {one.stayed:.1%} | {one.refresh_ms:.1f} ms |"
        for one in results
    ]
    return "\n".join(rows) + "\n"


def _measured(n_files: int, n_sessions: int, progress: Progress) -> SpeedResult:
    with tempfile.TemporaryDirectory(prefix="midfill-bench-") as made:
        root = Path(made).resolve()
        progress(f"writing and indexing {n_files} files ...")
        write_workspace(root, n_files)
        index = WorkspaceIndex(root, store=None, is_watched=False)
        try:
            if not index.settle(TIMEOUT_S):
                raise ValueError(f"{n_files} files could not be indexed in an hour")
            retriever = Retriever(index)
            began = time.thread_time()
            while retriever.refresh():
                pass
            refresh_s = time.thread_time() - began
            progress("typing ...")
            return _result(n_files, refresh_s, list(_typed(index, retriever, n_sessions)))
        finally:
            index.stop(TIMEOUT_S)


@dataclass(frozen=True)
class _Request:
    is_first: bool
    cpu_ms: float
    wall_ms: float
    is_complete: bool
    stayed: bool
    n_tokens: int


def _result(n_files: int, refresh_s: float, requests: Sequence[_Request]) -> SpeedResult:
    cpu = [request.cpu_ms for request in requests]
    first = [request.cpu_ms for request in requests if request.is_first]
    return SpeedResult(
        n_files,
        len(requests),
        round(statistics.median(cpu), 2),
        _p99(cpu),
        round(statistics.median(first), 2),
        _p99(first),
        _p99([request.wall_ms for request in requests]),
        round(refresh_s * 1000 / n_files, 2),
        sum(not request.is_complete for request in requests),
        round(statistics.mean(request.stayed for request in requests if not request.is_first), 4),
        round(statistics.mean(request.n_tokens for request in requests), 1),
    )


def _p99(values: Sequence[float]) -> float:
    return round(statistics.quantiles(values, n=100)[98], 2)


def _typed(index: WorkspaceIndex, retriever: Retriever, n_sessions: int) -> Iterator[_Request]:
    """The requests of all sessions; what runs in the background comes between them."""
    choose = random.Random(1)
    for path in choose.sample(sorted(index.paths()), n_sessions):
        text = index.lines(path, 1, 1 << 30) or ""
        calls = [place for place in range(len(text)) if text.startswith("    value = ", place)]
        start = choose.choice(calls) + len("    value = ")
        end = text.index("\n", start)
        before: list[Chunk] = []
        for at in range(start, end + 1):
            cursor = Cursor(path, "python", text[:at], text[end:])
            index.open(path, cursor.prefix + cursor.suffix)
            while retriever.refresh():
                pass
            began, cpu_began = time.perf_counter(), time.thread_time()
            found = retriever.snippets(cursor)
            cpu_ms, wall_ms = (time.thread_time() - cpu_began) * 1000, (time.perf_counter() - began) * 1000
            chunks = [snippet.chunk for snippet in found.snippets]
            stayed = chunks[: len(before)] == before
            yield _Request(at == start, cpu_ms, wall_ms, found.is_complete, stayed, found.n_tokens)
            before = chunks
        retriever.visited(path, text.count("\n", 0, start) + 1)
        index.close(path)


def write_workspace(root: Path, n_files: int, seed: int = 0) -> None:
    """Writes a Python project in packages of fifty modules, which import from one another."""
    choose = random.Random(seed)
    words = ["".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=choose.randint(3, 9))) for _ in range(N_WORDS)]
    weights = list(accumulate(1 / rank for rank in range(1, N_WORDS + 1)))  # Zipf's law

    def name() -> str:
        return "_".join(choose.choices(words, cum_weights=weights, k=2))

    paths = [f"package{number // 50}/module{number}.py" for number in range(n_files)]
    defined = {path: list(dict.fromkeys(name() for _ in range(N_FUNCTIONS))) for path in paths}
    for path in paths:
        (root / path).parent.mkdir(exist_ok=True)
        imported = [(other, choose.choice(defined[other])) for other in choose.choices(paths, k=N_IMPORTS)]
        (root / path).write_text(_module(defined[path], imported, name, choose))


def _module(
    functions: Sequence[str], imported: Sequence[tuple[str, str]], name: Callable[[], str], choose: random.Random
) -> str:
    lines = [f"from {path[:-3].replace('/', '.')} import {known}" for path, known in imported]
    for number, function in enumerate(functions):
        arguments = [name() for _ in range(3)]
        if number % 3 == 0:
            lines += ["", "", f"class {name().title().replace('_', '')}:", f'    """{name()} {name()}."""']
        lines += [
            "",
            f"    def {function}(self, {', '.join(arguments)}: int) -> str:",
            f'        """{name()} {name()}."""',
        ]
        for argument in arguments:
            lines += [
                f"        {name()} = {argument}.{name()}({name()}, {choose.randint(0, 99)})",
                f"        if {argument}:",
            ]
            lines += [f"            self.{name()} = [{name()} for {name()} in {argument}]"]
        lines += [f"        value = {choose.choice(imported)[1]}({', '.join(arguments)})", "        return value"]
    return "\n".join(lines) + "\n"
