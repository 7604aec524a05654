"""Puts a GGUF that the user has into the models folder, under a name: `midfill model add`."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from midfill_model.errors import ModelUnavailable, UnknownModel
from midfill_model.files import store
from midfill_model.files.catalogue import catalogue
from midfill_model.files.gguf_file import read_header
from midfill_model.files.store import Progress, Record


def add(file: Path, name: str, progress: Progress, *, replace: bool = False) -> Path:
    """Copy `file` into the models folder as `name` and return its new path; the original stays.

    Raises the errors of `read_header` for a file that cannot be served, UnknownModel for a name that cannot be used,
    and ModelUnavailable where the name is taken or the copy cannot be written.
    """
    if name in catalogue():
        raise UnknownModel(f"{name} is a model of the catalogue; choose another name with --name")
    if Path(name).name != name or name.startswith("."):
        raise UnknownModel(f"{name!r} cannot be the name of a model; choose one without slashes with --name")
    header = read_header(file)
    path = store.stored_path(name)
    if path.exists() and not replace:
        raise ModelUnavailable(f"there is a model {name} already; choose another name, or replace it with --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        store.check_disk(path.parent, header.file_bytes)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".add-") as folder:
            draft = Path(folder) / "model"
            sha256 = _copy(file, draft, header.file_bytes, progress)
            store.install(draft, path, Record(sha256, header.file_bytes, str(file.absolute())))
    except OSError as error:
        raise ModelUnavailable(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _copy(file: Path, draft: Path, n_bytes: int, progress: Progress) -> str:
    """Copy block by block; the SHA-256 of what was copied, in hex."""
    digest = hashlib.sha256()
    with file.open("rb") as source, draft.open("wb") as target:
        while block := source.read(2**20):
            digest.update(block)
            target.write(block)
            progress(target.tell(), n_bytes)
    return digest.hexdigest()
