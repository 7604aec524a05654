"""Exports that are stopped half way: what is written so far has a folder of its own, where the next run goes on.

The folder `.OUT.gguf.work` holds the draft and a journal of the tensors that are safely on the disk. It stays when the
process is killed or the user interrupts, and goes when an export to this output is done or fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from midfill_training.errors import OutputError

FILES = (".safetensors", ".json", ".pt")


class Draft:
    """The file to write for `output`, and what an earlier run of the same export left: whole tensors in `n_bytes`."""

    def __init__(self, output: Path, folder: Path, identity: str) -> None:
        self.output, self.path = output, folder / "draft.gguf"
        self.n_tensors, self.n_bytes = 0, 0
        self._journal, self._identity = folder / "journal.json", identity
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self._journal.read_text(encoding="utf-8"))
            if found["identity"] == identity and found["n_bytes"] <= self.path.stat().st_size:
                self.n_tensors, self.n_bytes = int(found["n_tensors"]), int(found["n_bytes"])
        if not self.n_tensors:  # what it vouches for will be overwritten
            self._journal.unlink(missing_ok=True)

    def save(self, stream: BinaryIO, n_tensors: int) -> None:
        """Put on record that so many tensors are whole; a crash right after this loses none of them."""
        stream.flush()
        os.fsync(stream.fileno())
        self.n_tensors, self.n_bytes = n_tensors, stream.tell()
        text = json.dumps({"identity": self._identity, "n_tensors": n_tensors, "n_bytes": self.n_bytes})
        self._journal.write_text(text, encoding="utf-8")


@contextmanager
def resumable(output: Path, identity: str) -> Iterator[Draft]:
    """The draft for `output`; what an export of another `identity` left is not used.

    Raises OutputError when another process is writing the same output.
    """
    from filelock import FileLock, Timeout

    folder = output.with_name(f".{output.name}.work")
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise OutputError(f"{output}: another export is writing it; wait for it, or stop it") from error
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from error
    draft = Draft(output, folder, identity)
    is_kept = False
    try:
        yield draft
    except KeyboardInterrupt:
        is_kept = draft.n_tensors > 0
        raise
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def identity_of(plan: Sequence[Any], sources: Sequence[Path]) -> str:
    """A hash that changes with anything in `plan` (plain values) and any file of weights or settings in `sources`."""
    files = [path for source in sources for path in (sorted(source.iterdir()) if source.is_dir() else [source])]
    files = [path for path in files if path.suffix in FILES and path.is_file()]
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([plan, stats]).encode()).hexdigest()
