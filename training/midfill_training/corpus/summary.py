"""The end of a run: its tallies become figures, a manifest and a page to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from midfill_training.corpus.documents import SUFFIX
from midfill_training.corpus.settings import CorpusSettings
from midfill_training.corpus.tally import StageCount, Tally, read_tally
from midfill_training.corpus.tasks import Job
from midfill_training.errors import BadInput
from midfill_training.report.manifest import Manifest, sha256, write_manifest
from midfill_training.report.page import Sample, Section, Table, settings_table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAGE = "corpus"
REPORT = "report.html"


def finish(job: Job, _rank: int) -> None:
    """Write report and manifest. BadInput where nothing is left of the corpus."""
    tally = job.tally()
    for path in sorted(job.folder("tally").glob("*.json")):
        tally.add(read_tally(path))
    tally.read.n_bytes_seen = sum(tally.read.n_bytes.values())
    stages = job.settings.stages
    if not tally.kept.files:
        raise BadInput(f"{job.out}: {_why_empty(tally)}")
    counts = figures(tally, stages)
    write_page(job.out / REPORT, "Corpus", _sections(job, tally, counts))
    shards = sorted(job.out.glob(f"*{SUFFIX}"))
    outputs = {path.name: sha256(path) for path in shards}
    write_manifest(job.out, Manifest(STAGE, job.inputs, identity(job.settings, job.n_tasks), counts, outputs))


def identity(settings: CorpusSettings, n_tasks: int) -> dict[str, Any]:
    """The settings that decide what comes out. Where tasks run does not; how the work is cut decides the shards."""
    return {name: value for name, value in asdict(settings).items() if name != "slurm"} | {"tasks": n_tasks}


def figures(tally: Tally, stages: tuple[str, ...]) -> dict[str, Any]:
    """The figures of a run as plain data: what was read, what each stage did, what was kept."""
    return {
        "read": _figures(tally.read),
        "stages": {stage: _figures(tally.stage(stage)) for stage in stages},
        "kept": _figures(tally.kept),
        "skipped": dict(tally.skipped.most_common()),
        "refused": dict(sorted(tally.refused.items())),
    }


def _figures(count: StageCount) -> dict[str, Any]:
    return {
        "projects": count.projects,
        "files": sum(count.files.values()),
        "bytes": sum(count.n_bytes.values()),
        "changed": count.changed,
        "seconds": round(count.seconds, 2),
        "bytes_seen": count.n_bytes_seen,
        "languages": {name: [count.files[name], count.n_bytes[name]] for name in sorted(count.files)},
        "reasons": dict(count.reasons.most_common()),
        "findings": dict(count.findings.most_common()),
    }


def _why_empty(tally: Tally) -> str:
    if tally.dropped and (worst := max(tally.dropped, key=lambda stage: sum(tally.dropped[stage].files.values()))):
        count = tally.dropped[worst]
        if n_files := sum(count.files.values()):
            reason = count.reasons.most_common(1)[0][0]
            return (
                f"nothing is left of {sum(tally.read.files.values()):,} files: stage {worst!r} dropped {n_files:,}, "
                f"mostly for {reason!r}; change its settings, or leave it out of corpus.stages"
            )
    if tally.refused:
        source, reason = next(iter(tally.refused.items()))
        return f"no source could be read; {source}: {reason}"
    skipped = ", ".join(f"{n:,} {reason}" for reason, n in tally.skipped.most_common(3))
    return f"no file of code was found ({skipped or 'the sources are empty'}); see corpus.languages"


def _sections(job: Job, tally: Tally, counts: Mapping[str, Any]) -> list[Section]:
    stages = job.settings.stages
    return [
        Section("What is left after each stage", [_funnel(counts), _stage_table(counts)]),
        Section("Languages", [_language_table(tally)]),
        Section(
            "What was not read",
            [
                Table(("files", "number"), list(tally.skipped.most_common())),
                Table(("source", "refused because"), sorted(tally.refused.items())),
            ],
        ),
        *(_stage_section(stage, tally) for stage in stages if _did_something(tally.stage(stage))),
        Section("Settings", [settings_table(identity(job.settings, job.n_tasks))]),
        Section("Inputs", [Table(("source", "content"), sorted(job.inputs.items()))]),
    ]


def _stage_table(counts: Mapping[str, Any]) -> Table:
    named = [("read", counts["read"]), *((f"- {stage}", each) for stage, each in counts["stages"].items())]
    rows = [
        (name, *(each[key] for key in ("projects", "files", "bytes", "changed")), _speed(each))
        for name, each in [*named, ("kept", counts["kept"])]
    ]
    return Table(("stage", "projects", "files", "bytes", "files changed", "MB/s of one processor"), rows)


def _speed(count: Mapping[str, Any]) -> float | str:
    return count["bytes_seen"] / count["seconds"] / 1e6 if count["seconds"] and count["bytes_seen"] else ""


def _language_table(tally: Tally) -> Table:
    names = sorted(tally.read.files, key=lambda name: -tally.read.n_bytes[name])
    columns = ("language", "files read", "bytes read", "files kept", "bytes kept")
    read, kept = tally.read, tally.kept
    rows = [(name, read.files[name], read.n_bytes[name], kept.files[name], kept.n_bytes[name]) for name in names]
    return Table(columns, rows)


def _did_something(count: StageCount) -> bool:
    return bool(count.files or count.changed or count.findings)


def _stage_section(stage: str, tally: Tally) -> Section:
    count = tally.stage(stage)
    samples = [
        Sample(f"{each.project}/{each.path}: {each.reason}", each.text) for each in tally.samples if each.stage == stage
    ]
    return Section(
        f"Stage: {stage}",
        [
            Table(("dropped because", "files"), list(count.reasons.most_common(30))),
            *([Table(("found", "times"), list(count.findings.most_common(30)))] if count.findings else []),
            *samples,
        ],
    )


def _funnel(counts: Mapping[str, Any]) -> Figure:
    from matplotlib.figure import Figure

    names, left = ["read"], [counts["read"]["files"]]
    for stage, each in counts["stages"].items():
        names.append(stage)
        left.append(left[-1] - each["files"])
    figure = Figure(figsize=(8, 0.3 * len(names) + 1), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(names, left)
    axes.bar_label(bars, labels=[f"{n:,}" for n in left], padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("files left")
    return figure
