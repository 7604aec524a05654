"""Files that appear whole or not at all, and the errors of a disk that is full or not writable."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from midfill_model.files.store import place
from midfill_training.errors import OutputError


def check_output(path: Path, *, force: bool) -> None:
    """Raise OutputError when `path` exists and may not be replaced, or cannot be a file."""
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name the file to write")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: no such folder; make it first")
    if (path.exists() or path.is_symlink()) and not force:
        raise OutputError(f"{path}: exists; choose another name, or --force to replace it")


def check_space(path: Path, n_bytes: int) -> None:
    """Raise OutputError when the disk of `path` has less than `n_bytes` free."""
    free = shutil.disk_usage(path.parent).free
    if free < n_bytes:
        raise OutputError(
            f"{path}: needs {n_bytes / 2**30:,.2f} GiB and the disk has {free / 2**30:,.2f} GiB free; make room, "
            "or write to another disk"
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft beside `path` that gets its name when all went well and goes away when not."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)  # of a run that was killed; or a link that must not be followed
        yield part
        place(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OutputError(
                f"{path}: the disk is full; make room or write to another one. Nothing is left"
            ) from error
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
