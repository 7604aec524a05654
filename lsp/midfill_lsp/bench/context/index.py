"""The workspace index: how fast it is made, reloaded and brought up to date, and what it holds in memory.

The workspace is a copy of the given folder, so that changes can be made in it; with `n_files` it is filled up with
copies of its own files, each with names of its own.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from midfill_context.index.walking import Walker
from midfill_context.index.workspace import WorkspaceIndex
from midfill_lsp.bench.figures import Progress

N_CHANGES = 20
N_REQUESTS = 300
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class IndexResult:
    """What `midfill bench index` prints. CPU seconds are those of the index's process, which do not depend on load.

    `bytes_per_file` is what this process and the index's have grown by, over the files. `change_ms` is from the end
    of a write to the new facts being served; `read_ms` is one request's reading: facts and imports of one file.
    """

    n_files: int
    n_source_bytes: int
    cold_s: float
    cold_cpu_s: float
    reload_s: float
    reload_cpu_s: float
    bytes_per_file: int
    packed_bytes_per_file: int
    change_p50_ms: float
    change_max_ms: float
    read_p50_ms: float
    read_p99_ms: float


def run(folder: Path, n_files: int, progress: Progress) -> IndexResult:
    """Measure on a copy of `folder`; 0 files: as many as it has."""
    with tempfile.TemporaryDirectory(prefix="midfill-bench-") as made:
        root, store = Path(made).resolve() / "workspace", Path(made) / "index.sqlite3"
        progress("copying ...")
        n_source_bytes = copy_workspace(folder, root, n_files)
        time.sleep(0.1)  # a file that has only just changed is read twice
        before = psutil.Process().memory_info().rss
        progress("indexing ...")
        index, cold_s, cold_cpu_s = _opened(root, store)
        n_indexed = len(index.paths())
        empty = _empty_process_bytes(Path(made))
        grown = psutil.Process().memory_info().rss - before
        grown += max(0, psutil.Process(index.process_id).memory_info().rss - empty)
        index.stop(TIMEOUT_S)
        progress("reloading ...")
        index, reload_s, reload_cpu_s = _opened(root, store)
        progress("changing ...")
        changes, reads = _changes(index, root), _reads(index)
        packed = index.n_bytes
        index.stop(TIMEOUT_S)
    return IndexResult(
        n_indexed,
        n_source_bytes,
        round(cold_s, 3),
        round(cold_cpu_s, 3),
        round(reload_s, 3),
        round(reload_cpu_s, 3),
        grown // n_indexed,
        packed // n_indexed,
        round(statistics.median(changes), 1),
        round(max(changes), 1),
        round(statistics.median(reads), 2),
        round(statistics.quantiles(reads, n=100)[98], 2),
    )


def render(result: IndexResult) -> str:
    """The figures for people."""
    n_files = result.n_files
    return "\n".join(
        [
            f"files                    {n_files:,}, {result.n_source_bytes / n_files:,.0f} bytes each",
            f"cold                     {_speed(n_files, result.cold_s, result.cold_cpu_s)}",
            f"reload                   {_speed(n_files, result.reload_s, result.reload_cpu_s)}",
            f"memory per file          {result.bytes_per_file / 1024:.1f} KiB, of which facts"
            f" {result.packed_bytes_per_file / 1024:.1f} KiB",
            f"change to new facts      p50 {result.change_p50_ms:.0f} ms, longest {result.change_max_ms:.0f} ms",
            f"facts and imports        p50 {result.read_p50_ms:.2f} ms, p99 {result.read_p99_ms:.2f} ms",
        ]
    )


def _speed(n_files: int, seconds: float, cpu_s: float) -> str:
    return f"{seconds:.2f} s, {n_files / seconds:,.0f} files/s; {cpu_s:.2f} s of CPU, {n_files / cpu_s:,.0f} files/s"


def copy_workspace(folder: Path, root: Path, n_files: int) -> int:
    """Copies what would be indexed, round after round into folders `copy1`, `copy2`, ...; the number of bytes."""
    root.mkdir()
    paths = list(Walker(folder.resolve()).walk().files)
    if not paths:
        raise ValueError(f"{folder} has no files to index")
    n_bytes = 0
    for number in range(n_files or len(paths)):
        n_round, place = divmod(number, len(paths))
        target = root / (f"copy{n_round}/" if n_round else "") / paths[place]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / paths[place], target)
        n_bytes += target.stat().st_size
    return n_bytes


def _opened(root: Path, store: Path) -> tuple[WorkspaceIndex, float, float]:
    """An index that has taken everything in, and how long that took: seconds, and CPU seconds of its process."""
    began = time.monotonic()
    index = WorkspaceIndex(root, store=store)
    if not index.settle(TIMEOUT_S):
        raise ValueError(f"{root} could not be indexed in an hour")
    seconds = time.monotonic() - began
    cpu = psutil.Process(index.process_id).cpu_times()
    return index, seconds, cpu.user + cpu.system


def _empty_process_bytes(folder: Path) -> int:
    """What the process of an index takes before it has seen a file but one."""
    root = folder / "empty"
    root.mkdir()
    (root / "a.py").write_text("x = 1\n")
    index, _, _ = _opened(root, folder / "empty.sqlite3")
    n_bytes: int = psutil.Process(index.process_id).memory_info().rss
    index.stop(TIMEOUT_S)
    return n_bytes


def _changes(index: WorkspaceIndex, root: Path) -> list[float]:
    """Milliseconds from the end of a write until new facts are served; nobody but the system reports the change."""
    index.settle(TIMEOUT_S)
    paths = [path for path in index.paths() if index.facts(path)]
    found = []
    for path in sorted(paths)[:: max(1, len(paths) // N_CHANGES)][:N_CHANGES]:
        generation = index.generation(path)
        with (root / path).open("a") as file:
            file.write("\nmidfill_bench_changed = 1\n")
        began = time.perf_counter()
        while index.generation(path) == generation and time.perf_counter() - began < 10:
            time.sleep(0.001)
        found.append((time.perf_counter() - began) * 1000)
    return found


def _reads(index: WorkspaceIndex) -> list[float]:
    """Milliseconds for the facts and the resolved imports of one file, first use of each."""
    paths = sorted(index.paths())
    found = []
    for path in paths[:: max(1, len(paths) // N_REQUESTS)]:
        began = time.perf_counter()
        index.facts(path)
        index.imported_by(path)
        found.append((time.perf_counter() - began) * 1000)
    return found
