"""The corpus stage as one call: sources in; shards, manifest.json and report.html out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from midfill_training.corpus import tasks
from midfill_training.corpus.documents import SUFFIX
from midfill_training.corpus.executors import EXECUTORS, Phase, run_phases
from midfill_training.corpus.ranking import read_ranking
from midfill_training.corpus.settings import CorpusSettings, stage_plan, wanted_languages
from midfill_training.corpus.sources import find_sources
from midfill_training.corpus.summary import REPORT, STAGE, finish, identity
from midfill_training.corpus.tasks import WORK, Job
from midfill_training.errors import BadInput, OutputError
from midfill_training.output import replacing
from midfill_training.report.manifest import FILE_NAME, Manifest, read_manifest, sha256

PLAN = "plan.json"
LOCK = ".lock"


@dataclass(frozen=True)
class CorpusOptions:
    """How to run, which does not change what comes out; but `n_tasks` is how many shards the corpus is cut into."""

    executor: str = "local"
    n_tasks: int = 16
    n_workers: int = 0  # as many as there are processors
    ranking: Path | None = None
    strict: bool = False  # a source that cannot be read ends the run
    force: bool = False
    progress: bool = False  # a bar, on a terminal


def make_corpus(
    sources: Sequence[Path], out: Path, settings: CorpusSettings, options: CorpusOptions | None = None
) -> Manifest | None:
    """Make a corpus in the folder `out`; go on with a run that was interrupted, and do nothing where the same corpus
    is there already. None while Slurm is at work. Raises TrainingErrors."""
    options = options or CorpusOptions()
    job = _job(sources, out, settings, options)
    finished = _finished(job, force=options.force)
    if finished is not None and not (out / WORK).exists():
        return finished
    with _alone(job.out):
        if finished is None:
            _begin(job, force=options.force)
            _run(job, options)
            finished = read_manifest(out)
        if finished is not None:
            shutil.rmtree(out / WORK, ignore_errors=True)
    return finished


def _job(sources: Sequence[Path], out: Path, settings: CorpusSettings, options: CorpusOptions) -> Job:
    """Everything that can be wrong before the work begins comes out here."""
    if options.executor not in EXECUTORS:
        raise BadInput(f"no executor is called {options.executor!r}; there are {', '.join(EXECUTORS)}")
    if options.n_tasks < 1:
        raise BadInput(f"{options.n_tasks} tasks are none; take one or more")
    wanted_languages(settings)
    stage_plan(settings)
    found = find_sources(sources)
    if not found:
        raise BadInput("no sources are given; name folders, repositories, archives or tables of code")
    inputs = {source.path: source.content for source in found}
    files = [Path(each) for each in settings.decontamination.benchmarks]
    if options.ranking is not None:
        read_ranking(options.ranking)
        files.append(options.ranking)
    inputs |= {str(path): sha256(path) for path in files}
    return Job(out.resolve(), tuple(found), settings, options.n_tasks, options.ranking, options.strict, inputs)


def _finished(job: Job, *, force: bool) -> Manifest | None:
    """The manifest of this very corpus; None where it is still to be made, or made again."""
    if job.out.exists() and not job.out.is_dir():
        raise OutputError(f"{job.out}: is a file; name the folder to write")
    manifest = read_manifest(job.out) if not force else None
    if manifest is None or manifest.is_of(STAGE, job.inputs, identity(job.settings, job.n_tasks)):
        return manifest
    raise OutputError(
        f"{job.out}: holds a corpus of other sources or settings; choose another, or --force to replace it"
    )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Make the folder, and keep other runs out of it."""
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise OutputError(f"{out}: another run is at work there; wait for it, or stop it") from error
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error


def _begin(job: Job, *, force: bool) -> None:
    """Make sure that what lies in `.work` is of this very run."""
    plan = json.dumps({"inputs": job.inputs, "settings": identity(job.settings, job.n_tasks)}, sort_keys=True)
    path = job.out / WORK / PLAN
    with suppress(FileNotFoundError):
        if not force and path.read_text(encoding="utf-8") == plan:
            return
    if not force and (path.exists() or any(job.out.glob(f"*{SUFFIX}"))):
        raise OutputError(
            f"{job.out}: holds an unfinished corpus of other sources or settings; choose another folder, or --force to "
            "start again"
        )
    _clear(job.out)
    path.parent.mkdir(parents=True)
    with replacing(path) as draft:
        draft.write_text(plan, encoding="utf-8")


def _clear(out: Path) -> None:
    """Remove what an earlier run left, and nothing else: the manifest first, which vouches for the rest."""
    for path in (out / FILE_NAME, out / REPORT, *out.glob(f"*{SUFFIX}")):
        path.unlink(missing_ok=True)
    if (out / WORK).exists():
        shutil.rmtree(out / WORK)


def _run(job: Job, options: CorpusOptions) -> None:
    phases = [
        Phase("read", tasks.read, job.n_tasks),
        Phase("gather", tasks.gather, job.n_tasks),
        *([Phase("near", tasks.find_near, job.settings.near.n_buckets)] if "near" in job.plan.together else []),
        Phase("decide", tasks.decide, 1),
        Phase("refine", tasks.refine, job.n_tasks),
        Phase("finish", finish, 1),
    ]
    n_workers = options.n_workers or _n_processors()
    run_phases(job, phases, options.executor, n_workers, progress=options.progress)


def _n_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
