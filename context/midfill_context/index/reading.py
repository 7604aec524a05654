"""From the bytes of a file to what the index keeps of it."""

from __future__ import annotations

import os
import stat
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from midfill_context.index.skipping import MAX_BYTES, language_with_facts, why_skip_content
from midfill_context.index.walking import NO_FILE, UNREADABLE, Stamp
from midfill_context.syntax.facts import FileFacts, read_facts
from midfill_context.syntax.stored_facts import from_bytes, to_bytes

if TYPE_CHECKING:
    from tree_sitter import Tree

# A file may change once more within one tick of its file system's clock, and nobody could see it by its time.
_TICK_NS = 50_000_000
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Row(NamedTuple):
    """A file of the index. `facts` are packed, because those of 10,000 files take 1 GB as objects; empty: none."""

    path: str
    facts: bytes = b""


def read_file(root: Path, path: str) -> tuple[bytes, Stamp] | str:
    """A regular file that is no link, with the stamp it had before it was read; or why it cannot be read.

    The stamp of a file that has only just changed fits no file, so that it is looked at again.
    """
    try:
        descriptor = os.open(root / path, _FLAGS)
    except (OSError, ValueError):
        return UNREADABLE
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return NO_FILE
        is_settled = time.time_ns() - status.st_mtime_ns > _TICK_NS
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError:
            return UNREADABLE
    return data, Stamp(status.st_size, status.st_mtime_ns if is_settled else 0)


def row_of(path: str, data: bytes, tree: Tree | None = None) -> Row | str:
    """What the index keeps of a file with this content; or why it keeps nothing."""
    language = language_with_facts(path)
    reason = why_skip_content(data)
    if reason or language is None:
        return reason or Row(path)
    return Row(path, packed(read_facts(language, data, tree)))


def packed(facts: FileFacts) -> bytes:
    return zlib.compress(to_bytes(facts), 1)


def unpacked(data: bytes) -> FileFacts:
    """The facts that were packed. Raises ValueError for anything else."""
    try:
        return from_bytes(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(f"not packed facts: {error}") from error
