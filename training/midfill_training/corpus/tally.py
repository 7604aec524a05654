"""What a stage counted: files in and out by stage and language, why files were dropped, and samples to look at.

Every task writes its own tally; they add up in the order of the tasks, so that all runs agree on every figure.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midfill_training.corpus.documents import SourceFile
from midfill_training.output import replacing

SAMPLE_CHARACTERS = 1500
MAX_STAGE_SAMPLES = 50


@dataclass(frozen=True)
class DroppedSample:
    """A file that a stage dropped or changed, to look at."""

    stage: str
    reason: str
    project: str
    path: str
    text: str


@dataclass
class StageCount:
    """What one stage did: files and bytes of UTF-8 by language, projects that are gone, files that it changed, and how
    many seconds of one processor it took for how many bytes."""

    files: Counter[str] = field(default_factory=Counter)
    n_bytes: Counter[str] = field(default_factory=Counter)
    projects: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    seconds: float = 0.0
    n_bytes_seen: int = 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time that this process and what it starts spend here."""
        started = _processor_seconds()
        try:
            yield
        finally:
            self.seconds += _processor_seconds() - started

    def add(self, other: StageCount) -> None:
        """Add what another task counted."""
        for name in ("files", "n_bytes", "reasons", "findings"):
            getattr(self, name).update(getattr(other, name))
        for name in ("projects", "changed", "seconds", "n_bytes_seen"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Tally:
    """`read` and `kept` count what came in and what went out; `dropped` what each stage took away."""

    n_samples: int = 5
    read: StageCount = field(default_factory=StageCount)
    kept: StageCount = field(default_factory=StageCount)
    dropped: dict[str, StageCount] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    samples: list[DroppedSample] = field(default_factory=list)
    sampled: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str) -> None:
        """A file that was not read."""
        self.skipped[reason] += 1

    def refuse(self, source: str, reason: str) -> None:
        """A source that could not be read, or not to its end."""
        self.refused[source] = reason

    def stage(self, name: str) -> StageCount:
        """The count of one stage."""
        return self.dropped.setdefault(name, StageCount())

    def drop(self, stage: str, file: SourceFile, reason: str) -> None:
        """A file that `stage` dropped."""
        count = self.stage(stage)
        _count(count, [file])
        count.reasons[_kind(reason)] += 1
        self.sample(stage, file, reason)

    def sample(self, stage: str, file: SourceFile, reason: str) -> None:
        """Keep the file to look at, unless there are enough of its stage, or for this kind of reason."""
        kind = f"{stage}: {_kind(reason)}"
        if self.sampled[stage] < MAX_STAGE_SAMPLES and self.sampled[kind] < self.n_samples:
            self.sampled.update((stage, kind))
            self.samples.append(DroppedSample(stage, reason, file.project, file.path, file.text[:SAMPLE_CHARACTERS]))

    def add(self, other: Tally) -> None:
        """Add what the next task counted."""
        self.read.add(other.read)
        self.kept.add(other.kept)
        for name, count in other.dropped.items():
            self.stage(name).add(count)
        self.skipped.update(other.skipped)
        self.refused.update(other.refused)
        for each in other.samples:
            self.sample(each.stage, SourceFile(each.project, each.path, "", each.text), each.reason)


def _processor_seconds() -> float:
    """Analysers run in processes of their own."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def count_project(count: StageCount, files: Iterable[SourceFile]) -> None:
    """Count a project with its files, if it has any."""
    count.projects += _count(count, files) > 0


def _count(count: StageCount, files: Iterable[SourceFile]) -> int:
    n_files = 0
    for file in files:
        n_files += 1
        count.files[file.language] += 1
        count.n_bytes[file.language] += len(file.text.encode())
    return n_files


def _kind(reason: str) -> str:
    """A reason without its particulars, which follow a colon or are numbers; those of licences' names stay."""
    return re.sub(r"(?<![\w.-])\d+(?![\w.-])", "…", reason.partition(":")[0])


def write_tally(path: Path, tally: Tally) -> None:
    """Write one task's tally. Raises OutputError."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(tally, ensure_ascii=False, default=vars), encoding="utf-8")


def read_tally(path: Path) -> Tally:
    """What `write_tally` wrote."""
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Tally(
        n_samples=stored["n_samples"],
        read=_stage_count(stored["read"]),
        kept=_stage_count(stored["kept"]),
        dropped={name: _stage_count(each) for name, each in stored["dropped"].items()},
        skipped=Counter(stored["skipped"]),
        refused=stored["refused"],
        samples=[DroppedSample(**each) for each in stored["samples"]],
    )


def _stage_count(stored: dict[str, Any]) -> StageCount:
    fields: dict[str, Any] = {name: Counter(each) if isinstance(each, dict) else each for name, each in stored.items()}
    return StageCount(**fields)
