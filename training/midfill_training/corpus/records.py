"""What is compared between projects: counts and hashes instead of texts, one record a project.

Comparing happens in one task that holds all records, about 300 bytes a file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.members import Origin
from midfill_training.output import replacing

# Tests as the usual runners of our languages find them: by their folder, or by the name of the file.
_TEST = re.compile(
    r"(^|/)(tests?|__tests__|specs?|testing)/|(^|/)(test_[^/]*|conftest)\.\w+$|[^/]+[_.-](test|spec)\.\w+$|"
    r"[a-z0-9](Tests?|Spec)\.(java|kt|cs|php|scala)$"
)


@dataclass(frozen=True)
class FileRecord:
    """A file by its hash. `place` is where it stands in its shard, counted over all projects of the shard."""

    path: str
    sha256: str
    n_bytes: int
    place: int


@dataclass(frozen=True)
class Record:
    """A project, and the shard its files are in. `key` is its name there, unique already but not for people."""

    shard: int
    key: str
    origin: Origin
    n_tests: int
    files: tuple[FileRecord, ...]


@dataclass
class Decisions:
    """What comparing has decided: projects and files to drop, each with stage and reason, and names for the rest."""

    names: dict[str, str] = field(default_factory=dict)
    projects: dict[str, tuple[str, str]] = field(default_factory=dict)
    files: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def remaining(self, record: Record) -> list[FileRecord]:
        """The files of a project that nothing has dropped so far."""
        gone = self.files.get(record.key, {})
        return [] if record.key in self.projects else [file for file in record.files if file.path not in gone]

    def drop_file(self, record: Record, file: FileRecord, stage: str, reason: str) -> None:
        """Drop one file."""
        self.files.setdefault(record.key, {})[file.path] = stage, reason


def record_of(shard: int, key: str, origin: Origin, files: Sequence[SourceFile], n_before: int) -> Record:
    """The record of a project whose files follow `n_before` others in their shard."""
    return Record(
        shard,
        key,
        origin,
        sum(is_test(file.path) for file in files),
        tuple(_file_record(file, n_before + at) for at, file in enumerate(files)),
    )


def _file_record(file: SourceFile, place: int) -> FileRecord:
    data = file.text.encode()
    return FileRecord(file.path, hashlib.sha256(data).hexdigest(), len(data), place)


def is_test(path: str) -> bool:
    """Whether a file is one of a project's tests, by its path."""
    return _TEST.search(path) is not None


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write the records of one shard. Raises OutputError."""
    lines = (json.dumps(asdict(record), ensure_ascii=False) + "\n" for record in records)
    with replacing(path) as draft, gzip.open(draft, "wt", encoding="utf-8", compresslevel=1) as stream:
        stream.writelines(lines)


def read_records(path: Path) -> Iterator[Record]:
    """What `write_records` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            stored = json.loads(line)
            files = tuple(FileRecord(**each) for each in stored.pop("files"))
            yield Record(**{**stored, "origin": Origin(**stored["origin"]), "files": files})


def write_decisions(folder: Path, decisions: Decisions, records: Sequence[Record], n_shards: int) -> None:
    """One file a shard, so that who refines a shard reads no more than it needs. Raises OutputError."""
    parts = [Decisions() for _ in range(n_shards)]
    for record in records:
        part = parts[record.shard]
        part.names[record.key] = decisions.names[record.key]
        if record.key in decisions.projects:
            part.projects[record.key] = decisions.projects[record.key]
        if record.key in decisions.files:
            part.files[record.key] = decisions.files[record.key]
    for shard, part in enumerate(parts):
        with replacing(folder / f"{shard:05}.json") as draft:
            draft.write_text(json.dumps(asdict(part), ensure_ascii=False), encoding="utf-8")


def read_decisions(folder: Path, shard: int) -> Decisions:
    """What was decided for one shard."""
    return Decisions(**json.loads((folder / f"{shard:05}.json").read_text(encoding="utf-8")))
