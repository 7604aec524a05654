"""A checkout that rewrites many files at once: what requests for snippets feel of it, and how soon it is absorbed.

A request is timed together with the step of `refresh` before it, which it may have to wait for. Nobody but the system
reports the changes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_context.cursor import Cursor
from midfill_context.index.workspace import WorkspaceIndex
from midfill_context.retrieval.retriever import Retriever
from midfill_lsp.bench.context.index import TIMEOUT_S, copy_workspace
from midfill_lsp.bench.figures import Progress

N_QUIET = 300
NEW_LINE = b"midfill_bench_checked_out = 1\n"


@dataclass(frozen=True)
class Latency:
    """Milliseconds of requests: of CPU time, which does not depend on the machine's load, and of wall time."""

    n_requests: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    wall_p50_ms: float
    wall_p99_ms: float


@dataclass(frozen=True)
class CheckoutResult:
    """`absorbed_s` is from the first write until the index and the retriever had worked in every file."""

    n_files: int
    n_changed: int
    absorbed_s: float
    quiet: Latency
    during: Latency


def run(folder: Path, n_files: int, n_changed: int, progress: Progress) -> CheckoutResult:
    """Measure on a copy of `folder`, filled up to `n_files` with copies of its own files."""
    with tempfile.TemporaryDirectory(prefix="midfill-bench-") as made:
        root = Path(made).resolve() / "workspace"
        progress("copying and indexing ...")
        copy_workspace(folder, root, n_files)
        index = WorkspaceIndex(root, store=None)
        try:
            return _measured(index, root, n_changed, progress)
        finally:
            index.stop(TIMEOUT_S)


def render(result: CheckoutResult) -> str:
    """The figures as a Markdown table."""
    rows = [
        f"{result.n_files:,} files, {result.n_changed:,} of them rewritten, absorbed in {result.absorbed_s} s",
        "",
        "| requests | p50 / p99 / longest, CPU | p50 / p99, wall |",
        "|---|---|---|",
    ]
    for name, found in (("before", result.quiet), ("during the checkout", result.during)):
        rows.append(
            f"| {name} | {found.p50_ms} / {found.p99_ms} / {found.max_ms} ms "
            f"| {found.wall_p50_ms} / {found.wall_p99_ms} ms |"
        )
    return "\n".join(rows) + "\n"


def _measured(index: WorkspaceIndex, root: Path, n_changed: int, progress: Progress) -> CheckoutResult:
    retriever = Retriever(index)
    index.settle(TIMEOUT_S)
    while retriever.refresh():
        pass
    paths = sorted(path for path in index.paths() if index.facts(path))
    cursors = [_cursor(root, path) for path in paths[:: max(1, len(paths) // N_QUIET)]]
    progress("asking ...")
    quiet = [_request(retriever, cursor) for cursor in cursors]
    progress("checking out ...")
    changed = paths[:n_changed]
    generation, _ = index.changed_since(0)
    began = time.monotonic()
    for path in changed:
        (root / path).write_bytes(NEW_LINE + (root / path).read_bytes())
    during: list[tuple[float, float]] = []
    is_absorbed = False
    while not is_absorbed:
        is_known = index.changed_since(generation)[1].issuperset(changed)
        is_absorbed = is_known and not retriever.refresh()
        during.append(_request(retriever, cursors[len(during) % len(cursors)]))
    absorbed_s = round(time.monotonic() - began, 2)
    return CheckoutResult(len(index.paths()), len(changed), absorbed_s, _latency(quiet), _latency(during))


def _cursor(root: Path, path: str) -> Cursor:
    """A place in the middle of a file."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    at = text.find("\n", len(text) // 2) + 1
    return Cursor(path, "", text[:at], text[at:])


def _request(retriever: Retriever, cursor: Cursor) -> tuple[float, float]:
    """Milliseconds of CPU and of wall time."""
    began, cpu_began = time.perf_counter(), time.thread_time()
    retriever.refresh()
    retriever.snippets(cursor)
    return (time.thread_time() - cpu_began) * 1000, (time.perf_counter() - began) * 1000


def _latency(requests: Sequence[tuple[float, float]]) -> Latency:
    cpu, wall = zip(*requests, strict=True)
    at = statistics.quantiles(cpu, n=100, method="inclusive")
    wall_at = statistics.quantiles(wall, n=100, method="inclusive")
    return Latency(len(cpu), *(round(ms, 1) for ms in (at[49], at[98], max(cpu), wall_at[49], wall_at[98])))
