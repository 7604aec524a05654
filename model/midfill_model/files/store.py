"""Where models live on this machine, and how a file gets there: whole, checked and with its hash on record.

`MIDFILL_MODELS_DIR` overrides the folder. A model NAME is `NAME.gguf`, and `NAME.gguf.json` beside it records
the hash it was checked against. Knows no catalogue and no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from midfill_model.errors import ModelUnavailable

MODELS_DIR_VARIABLE = "MIDFILL_MODELS_DIR"
SUFFIX = ".gguf"

_SPARE_BYTES = 64 * 2**20  # a disk filled to the last byte breaks more than a download

Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True)
class Record:
    """What is known of a stored file: its SHA-256 in hex, its size in bytes, and where it came from."""

    sha256: str
    size_bytes: int
    origin: str


def models_dir() -> Path:
    """The folder of the user's models; need not exist."""
    chosen = os.environ.get(MODELS_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("midfill", appauthor=False)) / "models"


def stored_path(name: str) -> Path:
    """Where the model `name` is, or would be."""
    return models_dir() / f"{name}{SUFFIX}"


def stored_names() -> list[str]:
    """Names of all models in the folder, in order; those that someone put there by hand too."""
    with contextlib.suppress(OSError):
        return sorted(path.stem for path in models_dir().iterdir() if path.suffix == SUFFIX and path.is_file())
    return []


def read_record(path: Path) -> Record | None:
    """The record beside a model file; `None` when there is none or it cannot be understood."""
    try:
        fields = json.loads(_record_path(path).read_text(encoding="utf-8"))
        return Record(str(fields["sha256"]), int(fields["size_bytes"]), str(fields["origin"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(path: Path, record: Record) -> None:
    """Put `record` beside the model file at `path`."""
    draft = path.with_name(f".{path.name}.json.part")
    draft.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    place(draft, _record_path(path))


def place(draft: Path, path: Path) -> None:
    """Give a finished file its name; a crash at any moment leaves the old file or the new one, whole."""
    with draft.open("r+b") as stream:  # Windows syncs only what it could write
        os.fsync(stream.fileno())
    os.replace(draft, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and need not be
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def install(draft: Path, path: Path, record: Record) -> None:
    """The file before its record: a model without a record is checked again, a record alone would lie."""
    place(draft, path)
    write_record(path, record)


def check_disk(folder: Path, n_bytes: int) -> None:
    """Raise ModelUnavailable when `n_bytes` more do not fit into the folder."""
    free = shutil.disk_usage(folder).free
    if free < n_bytes + _SPARE_BYTES:
        raise ModelUnavailable(
            f"{folder}: {n_bytes / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free; make room, "
            f"or set {MODELS_DIR_VARIABLE} to a folder on another disk"
        )


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """The SHA-256 of a file in hex; about a second for each gigabyte. Raises OSError."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
            done += len(block)
            if progress is not None:
                progress(done, total)
    return digest.hexdigest()


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
