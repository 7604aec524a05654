"""What the executors run: the corpus stage cut into phases, and each phase into tasks that share nothing but files.

    read      every source is read once; its files go to the task that gathers their project
    gather    projects are put together and pass the stages that need no other project; they are hashed and signed
    near      one task a bucket of MinHash: which files agree
    decide    one task: ranking, forks, exact and near duplicates, by hashes
    refine    decisions are carried out; what is left passes the remaining stages and becomes a shard of the corpus
    finish    one task: manifest and report

A task writes whole files under fixed names, so one that was killed is run again from its start and leaves the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from midfill_training.corpus import near, records
from midfill_training.corpus.documents import SUFFIX, Project, SourceFile, projects_in, write_shard
from midfill_training.corpus.duplicates import drop_copies, drop_forks
from midfill_training.corpus.filters import FILTERS
from midfill_training.corpus.licences import LicenceFilter
from midfill_training.corpus.members import Origin
from midfill_training.corpus.ranking import best_first, drop_lowest, read_ranking, with_ranking
from midfill_training.corpus.records import Decisions, Record
from midfill_training.corpus.settings import CorpusSettings, StagePlan, stage_plan
from midfill_training.corpus.shuffle import gathered, write_shares
from midfill_training.corpus.sources import Source, read_source
from midfill_training.corpus.tally import Tally, count_project, write_tally
from midfill_training.corpus.verdict import Filter
from midfill_training.errors import BadInput

WORK = ".work"


@dataclass(frozen=True)
class Job:
    """One run of the corpus stage. `out` gets the shards, `out/.work` what is needed until they are there."""

    out: Path
    sources: tuple[Source, ...]
    settings: CorpusSettings
    n_tasks: int
    ranking: Path | None = None
    strict: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def plan(self) -> StagePlan:
        """The stages of the run."""
        return stage_plan(self.settings)

    def folder(self, name: str) -> Path:
        """A folder of `.work`."""
        path = self.out / WORK / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def tally(self) -> Tally:
        """An empty one."""
        return Tally(n_samples=self.settings.samples)


def read(job: Job, rank: int) -> None:
    """Read every `n_tasks`-th source. One that cannot be read is counted and left out, unless the run is strict."""
    tally = job.tally()

    def files() -> Iterator[tuple[Origin, SourceFile]]:
        for source in job.sources[rank :: job.n_tasks]:
            try:
                yield from read_source(source, job.settings, tally)
            except BadInput as error:  # noqa: PERF203 - one bad archive must not lose the others
                if job.strict:
                    raise
                tally.refuse(source.path, str(error).removeprefix(f"{source.path}: "))

    with tally.read.timed():
        write_shares(job.folder("read") / f"{rank:05}.shares", job.n_tasks, files())
    write_tally(job.folder("tally") / f"read-{rank:05}.json", tally)


def gather(job: Job, rank: int) -> None:
    """Put the projects of one share together, pass them through the first stages, and note what is compared."""
    tally = job.tally()
    found: list[Record] = []
    signed: list[SourceFile] = []
    filters = _filters(job.plan.before, job.settings)

    def kept() -> Iterator[SourceFile]:
        shares = [job.folder("read") / f"{each:05}.shares" for each in range(job.n_tasks)]
        for origin, read_files in gathered(shares, rank):
            key = f"{origin.name} ({origin.unit})" if origin.unit else origin.name
            files = [replace(file, project=key) for file in read_files]
            count_project(tally.read, files)
            files = _filtered(files, filters, tally)
            if files:
                found.append(records.record_of(rank, key, origin, files, len(signed)))
                signed.extend(files)
            yield from files

    write_shard(job.folder("gather"), rank, kept())
    records.write_records(job.folder("records") / f"{rank:05}.jsonl.gz", found)
    if "near" in job.plan.together:
        count = tally.stage("near")
        count.n_bytes_seen = sum(file.n_bytes for record in found for file in record.files)
        with count.timed():
            near.sign(signed, job.folder("signatures"), rank, job.settings.near)
    write_tally(job.folder("tally") / f"gather-{rank:05}.json", tally)


def find_near(job: Job, rank: int) -> None:
    """The pairs of one bucket."""
    near.find_pairs(job.folder("signatures"), job.folder("pairs"), rank, job.settings.near)


def decide(job: Job, _rank: int) -> None:
    """Compare all projects: which go as a whole, which files go, and what the others are called."""
    folder = job.folder("records")
    found = [record for rank in range(job.n_tasks) for record in records.read_records(folder / f"{rank:05}.jsonl.gz")]
    if job.ranking is not None:
        found = with_ranking(found, read_ranking(job.ranking))
    ranked = best_first(found)
    decisions = Decisions(names=_names(ranked))
    stages: Mapping[str, Callable[[], None]] = {
        "ranking": lambda: drop_lowest(ranked, job.settings.ranking.dropped_share, decisions),
        "forks": lambda: drop_forks(ranked, job.settings.forks.shared_bytes, decisions),
        "exact": lambda: drop_copies(ranked, decisions),
        "near": lambda: near.drop_near(ranked, near.read_pairs(job.folder("pairs")), decisions),
    }
    tally = job.tally()
    for stage in job.plan.together:
        with tally.stage(stage).timed():
            stages[stage]()
    records.write_decisions(job.folder("decisions"), decisions, ranked, job.n_tasks)
    write_tally(job.folder("tally") / "decide.json", tally)


def _names(ranked: Sequence[Record]) -> dict[str, str]:
    """Names for people, of which the better of two projects gets the plain one."""
    taken: dict[str, int] = {}
    names: dict[str, str] = {}
    for record in ranked:
        taken[record.origin.name] = number = taken.get(record.origin.name, 0) + 1
        names[record.key] = record.origin.name if number == 1 else f"{record.origin.name}~{number}"
    return names


def refine(job: Job, rank: int) -> None:
    """Carry out what was decided for one shard, and pass the rest through the last stages."""
    tally = job.tally()
    decisions = records.read_decisions(job.folder("decisions"), rank)
    filters = _filters(job.plan.after, job.settings)

    def kept() -> Iterator[SourceFile]:
        for project in projects_in(job.folder("gather") / f"{rank:05}{SUFFIX}"):
            files = _filtered(_carried_out(project, decisions, tally), filters, tally)
            count_project(tally.kept, files)
            yield from files

    path = write_shard(job.out, rank, kept())
    if not tally.kept.projects:
        path.unlink()
    write_tally(job.folder("tally") / f"refine-{rank:05}.json", tally)


def _carried_out(project: Project, decisions: Decisions, tally: Tally) -> list[SourceFile]:
    """The files of a project that were not decided against, under the project's final name."""
    whole = decisions.projects.get(project.name)
    gone = decisions.files.get(project.name, {})
    files = []
    for file in project.files:
        stage, reason = whole or gone.get(file.path, ("", ""))
        if stage:
            tally.drop(stage, file, reason)
        else:
            files.append(replace(file, project=decisions.names[project.name]))
    if not files:
        tally.stage(stage).projects += 1
    return files


def _filters(stages: Sequence[str], settings: CorpusSettings) -> dict[str, Filter]:
    """Made where they run: what they load need not travel."""
    return {
        stage: LicenceFilter(settings.licence) if stage == "licence" else FILTERS[stage].build(getattr(settings, stage))
        for stage in stages
    }


def _filtered(files: list[SourceFile], filters: Mapping[str, Filter], tally: Tally) -> list[SourceFile]:
    """What is left of the files of one project."""
    for stage, judge in filters.items():
        if not files:
            break
        count = tally.stage(stage)
        count.n_bytes_seen += sum(len(file.text.encode()) for file in files)
        with count.timed():
            verdicts = list(judge(files))
        left = []
        for file, verdict in zip(files, verdicts, strict=True):
            count.findings.update(verdict.findings)
            if verdict.file is None:
                tally.drop(stage, file, verdict.reason)
                continue
            left.append(verdict.file)
            if verdict.file.text != file.text:
                count.changed += 1
                tally.sample(stage, verdict.file, verdict.reason or "changed")
        count.projects += not left
        files = left
    return files
