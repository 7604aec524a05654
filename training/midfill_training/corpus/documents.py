"""What a corpus is made of, and how it lies on the disk.

A corpus is a folder of shards, `00000.jsonl.gz` and on, with one JSON object a file of code: the fields of
`SourceFile`. The files of a project stand together, in the order of their paths, and never in two shards.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from midfill_training.errors import BadInput
from midfill_training.output import replacing

SUFFIX = ".jsonl.gz"


@dataclass(frozen=True)
class SourceFile:
    """A file of code: where it lies in its project (with `/`), an id of `languages.toml`, its text with `\\n` alone.

    `licence` is an SPDX expression, or empty where nothing states one.
    """

    project: str
    path: str
    language: str
    text: str
    licence: str = ""


@dataclass(frozen=True)
class Project:
    """The files of one project."""

    name: str
    files: tuple[SourceFile, ...]


def write_shard(folder: Path, number: int, files: Iterable[SourceFile]) -> Path:
    """Write one shard whole; the same files give the same bytes. Raises OutputError."""
    path = folder / f"{number:05}{SUFFIX}"
    with (
        replacing(path) as draft,
        draft.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=6) as stream,
    ):
        for file in files:
            stream.write(json.dumps(asdict(file), ensure_ascii=False).encode() + b"\n")
    return path


def shards(corpus: Path) -> Sequence[Path]:
    """The shards of a corpus in order; BadInput when there are none."""
    found = sorted(corpus.glob(f"*{SUFFIX}")) if corpus.is_dir() else []
    if not found:
        raise BadInput(f"{corpus}: holds no shard of a corpus (*{SUFFIX}); make one with `midfill-train corpus`")
    return found


def read_shard(path: Path) -> Iterator[SourceFile]:
    """The files of one shard; BadInput when it is damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield SourceFile(**json.loads(line))
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read as a shard of a corpus ({error}); make the corpus again") from error


def projects_in(shard: Path) -> Iterator[Project]:
    """The projects of one shard."""
    for name, files in groupby(read_shard(shard), key=lambda file: file.project):
        yield Project(name, tuple(files))


def read_projects(corpus: Path) -> Iterator[Project]:
    """The projects of a corpus, shard by shard."""
    for path in shards(corpus):
        yield from projects_in(path)
