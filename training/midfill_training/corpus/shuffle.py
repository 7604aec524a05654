"""Brings the files of a project together, wherever they were read: each reading task leaves one file in which every
gathering task finds its share.

The file begins with the offsets of the shares, `n + 1` numbers of 8 bytes; each share is JSON lines, gzipped.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.members import Origin
from midfill_training.output import replacing


def share_of(origin: Origin, n_shares: int) -> int:
    """Which task gathers a project; by its name, so that it does not depend on where the project lies."""
    return int.from_bytes(hashlib.sha256(origin.name.encode(errors="replace")).digest()[:8], "big") % n_shares


def write_shares(path: Path, n_shares: int, files: Iterable[tuple[Origin, SourceFile]]) -> None:
    """Write what one task has read. Holds it in memory, gzipped. Raises OutputError."""
    packed = [io.BytesIO() for _ in range(n_shares)]
    streams = [gzip.GzipFile(fileobj=each, mode="wb", filename="", mtime=0, compresslevel=1) for each in packed]
    for origin, file in files:
        line = json.dumps([asdict(origin), asdict(file)], ensure_ascii=False) + "\n"
        streams[share_of(origin, n_shares)].write(line.encode(errors="replace"))  # names may be no UTF-8
    for stream in streams:
        stream.close()
    offset = 8 * (n_shares + 1)
    with replacing(path) as draft, draft.open("wb") as out:
        offsets = [offset]
        for each in packed:
            offset += each.tell()
            offsets.append(offset)
        out.write(struct.pack(f"<{n_shares + 1}Q", *offsets))
        for each in packed:
            out.write(each.getbuffer())


def read_share(path: Path, share: int) -> Iterator[tuple[Origin, SourceFile]]:
    """One share of what `write_shares` wrote."""
    with path.open("rb") as stream:
        stream.seek(8 * share)
        start, end = struct.unpack("<2Q", stream.read(16))
        stream.seek(start)
        for line in gzip.decompress(stream.read(end - start)).splitlines():
            origin, file = json.loads(line)
            yield Origin(**origin), SourceFile(**file)


def gathered(paths: Iterable[Path], share: int) -> list[tuple[Origin, list[SourceFile]]]:
    """The projects of one share, in the order of their names, with their files in the order of their paths.

    A path that stands twice in a project is read once. Stars and commits are the highest that any row states.
    """
    files: dict[tuple[str, str], dict[str, SourceFile]] = {}
    origins: dict[tuple[str, str], Origin] = {}
    for path in paths:
        for origin, file in read_share(path, share):
            key = origin.name, origin.unit
            files.setdefault(key, {}).setdefault(file.path, file)
            origins[key] = _merged(origins.get(key, origin), origin)
    return [(origins[key], [found[path] for path in sorted(found)]) for key, found in sorted(files.items())]


def _merged(one: Origin, other: Origin) -> Origin:
    def highest(*counts: int | None) -> int | None:
        return max((each for each in counts if each is not None), default=None)

    return replace(one, stars=highest(one.stars, other.stars), commits=highest(one.commits, other.commits))
