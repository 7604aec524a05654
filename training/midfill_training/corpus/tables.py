"""Tables of files in the schema of The Stack: JSON lines, packed or not, and parquet.

The rows of a project may stand anywhere, in several tables even: the name of its repository is its identity.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.licences import expression_of, joined
from midfill_training.corpus.members import Origin, Reading, read_file
from midfill_training.corpus.tally import Tally
from midfill_training.errors import BadInput

TABLES = (".jsonl", ".jsonl.gz", ".parquet")
MAX_LINE_BYTES = 64 * 2**20  # a line that goes on is no JSON lines
BATCH_ROWS = 256

# What is read, and under which names The Stack, its small version and BigQuery's exports have it.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "content": ("content", "text"),
    "name": ("max_stars_repo_name", "repository_name", "repo_name", "repo"),
    "path": ("max_stars_repo_path", "path"),
    "licences": ("max_stars_repo_licenses", "licenses", "license"),
    "stars": ("max_stars_count", "stars", "star_events_count"),
}


def is_table(path: Path) -> bool:
    """By its name."""
    return path.name.lower().endswith(TABLES)


def read_table(path: Path, reading: Reading, tally: Tally) -> Iterator[tuple[Origin, SourceFile]]:
    """The files of a table. BadInput where it is damaged, after the rows before that."""
    for row in _rows(path, tally):
        name, content = row.get("name"), row.get("content")
        if not isinstance(name, str) or not isinstance(content, str) or not isinstance(row.get("path"), str):
            tally.skip("row without content, repository or path")
            continue
        data = content.encode("utf-8", errors="surrogatepass")
        file = read_file(row["path"], len(data), partial(_same, data), reading, tally)
        if file is not None:
            stars = row.get("stars")
            origin = Origin(name, stars=int(stars) if isinstance(stars, int | float) and stars == stars else None)
            yield origin, replace(file, licence=_licence(row.get("licences")))


def _rows(path: Path, tally: Tally) -> Iterator[dict[str, Any]]:
    try:
        yield from _parquet_rows(path) if path.suffix.lower() == ".parquet" else _json_rows(path, tally)
    except (OSError, EOFError, zlib.error, ValueError) as error:  # pyarrow's errors are among them
        raise BadInput(f"{path}: damaged table: {error}; fetch it again") from error


def _json_rows(path: Path, tally: Tally) -> Iterator[dict[str, Any]]:
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        while line := stream.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES:
                raise ValueError(f"a line of more than {MAX_LINE_BYTES:,} bytes")
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                yield {key: next((row[each] for each in names if each in row), None) for key, names in COLUMNS.items()}
            elif line.strip():
                tally.skip("row that is no JSON object")


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        known = set(file.schema_arrow.names)
        columns = {key: next((each for each in names if each in known), None) for key, names in COLUMNS.items()}
        missing = [COLUMNS[key][0] for key in ("content", "name", "path") if columns[key] is None]
        if missing:
            raise ValueError(f"no column {missing[0]}")
        for batch in file.iter_batches(BATCH_ROWS, columns=[each for each in columns.values() if each]):
            for row in batch.to_pylist():
                yield {key: row[column] for key, column in columns.items() if column}


def _same(data: bytes) -> bytes:
    return data


def _licence(stated: object) -> str:
    """All licences that were detected in a repository hold."""
    names = stated if isinstance(stated, list) else [stated]
    return joined(expression_of(name) for name in names if isinstance(name, str))
