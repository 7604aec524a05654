"""Runs phases of tasks on datatrove's executors: processes of this machine, Ray, or Slurm, without other code.

datatrove marks every finished task, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midfill_training import errors
from midfill_training.corpus.tasks import Job
from midfill_training.errors import OutputError, TrainingError

EXECUTORS = ("local", "ray", "slurm")
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Phase:
    """`n_tasks` tasks that may run at the same time, after those of the phase before."""

    name: str
    run: Callable[[Job, int], None]
    n_tasks: int


@dataclass(frozen=True)
class Task:
    """A phase as datatrove calls it."""

    job: Job
    phase: Phase

    def __call__(self, _data: object, rank: int, _n_tasks: int) -> None:
        """Run the task of one rank alone: one that outlived a killed run must have ended. Some executors swallow
        errors, so they are written down."""
        from filelock import FileLock

        name = f"{self.phase.name}-{rank:05}"
        note = self.job.folder("errors") / f"{name}.json"
        with FileLock(self.job.folder("locks") / name), _noted(note):
            try:
                self.phase.run(self.job, rank)
            except OSError as error:  # of a file that is not written through `output.replacing`
                raise OutputError(f"{self.job.out}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _noted(note: Path) -> Iterator[None]:
    note.unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        message = str(error) if isinstance(error, TrainingError) else traceback.format_exc()
        with suppress(OSError):  # the disk may be full
            note.write_text(json.dumps({"error": type(error).__name__, "message": message}), encoding="utf-8")
        raise


def run_phases(job: Job, phases: Sequence[Phase], executor: str, n_workers: int, *, progress: bool) -> None:
    """Run the phases one after the other, with a bar where stderr is a terminal; with Slurm, submit them and return.
    TrainingErrors of the tasks come out."""
    with _cluster(executor, n_workers), _progress(job, phases, shown=progress and executor != "slurm"):
        previous: Any = None
        for phase in phases:
            previous = _executor(job, phase, executor, n_workers, previous)
            if executor != "slurm":
                _run(job, phase, previous)
        if executor == "slurm" and previous is not None:
            previous.run()  # launches those it depends on


def _executor(job: Job, phase: Phase, kind: str, n_workers: int, previous: Any) -> Any:
    workers = min(n_workers, phase.n_tasks)
    common: dict[str, Any] = {
        "pipeline": [Task(job, phase)],
        "tasks": phase.n_tasks,
        "workers": workers,
        "logging_dir": str(_log(job, phase)),
    }
    if kind == "ray":
        from datatrove.executor.ray import RayPipelineExecutor

        return RayPipelineExecutor(**common, mem_per_cpu_gb=0.5)
    if kind == "slurm":
        from datatrove.executor.slurm import SlurmPipelineExecutor

        slurm = job.settings.slurm
        return SlurmPipelineExecutor(
            **common,
            depends=previous,
            job_name=f"corpus-{phase.name}",
            partition=slurm.partition,
            time=slurm.time,
            mem_per_cpu_gb=slurm.memory_gb,
            qos=slurm.qos,
            venv_path=slurm.environment or None,
        )
    import multiprocess
    from datatrove.executor.local import LocalPipelineExecutor

    multiprocess.get_context("forkserver").set_forkserver_preload([__name__])  # imports once, not in every worker
    return LocalPipelineExecutor(**common)


def _run(job: Job, phase: Phase, executor: Any) -> None:
    try:
        executor.run()
    except OSError as error:
        raise OutputError(f"{job.out}: cannot be written: {error.strerror or error}; run again to go on") from error
    unfinished = executor.get_incomplete_ranks()
    if unfinished:
        raise _failure(job, phase, unfinished[0])


def _failure(job: Job, phase: Phase, rank: int) -> TrainingError:
    """What a task that did not end wrote down."""
    try:
        note = json.loads((job.folder("errors") / f"{phase.name}-{rank:05}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        note = {"error": "", "message": "it left no word; was it killed for its memory? Give it more --tasks"}
    kind = getattr(errors, note["error"], None)
    if isinstance(kind, type) and issubclass(kind, TrainingError):
        return kind(note["message"])
    return TrainingError(f"task {rank} of phase {phase.name!r} failed: {note['message']}\nRun again to go on")


def _log(job: Job, phase: Phase) -> Path:
    return job.folder(f"log/{phase.name}")


@contextmanager
def _cluster(executor: str, n_workers: int) -> Iterator[None]:
    """Ray as RAY_ADDRESS names it, or one on this machine for as long as we need it. It sends no usage figures."""
    if executor != "ray":
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    own: dict[str, Any] = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": n_workers, "include_dashboard": False}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _progress(job: Job, phases: Sequence[Phase], *, shown: bool) -> Iterator[None]:
    """A bar over all tasks, from datatrove's marks: they are the same under every executor."""
    from tqdm import tqdm

    n_tasks = sum(phase.n_tasks for phase in phases)
    with tqdm(total=n_tasks, desc="corpus", unit="task", disable=None if shown else True) as bar:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(POLL_SECONDS):
                done = {phase.name: _n_completed(_log(job, phase)) for phase in phases}
                bar.n = sum(done.values())
                bar.set_description(next((each.name for each in phases if done[each.name] < each.n_tasks), "done"))

        watcher = threading.Thread(target=watch, daemon=True)
        if not bar.disable:
            watcher.start()
        try:
            yield
        finally:
            ended.set()
            if watcher.is_alive():
                watcher.join()


def _n_completed(log: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(1 for _ in (log / "completions").iterdir())
    return 0
