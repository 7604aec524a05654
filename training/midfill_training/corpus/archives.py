"""Archives of one project: sdists, wheels, npm packages, tarballs of a distribution, zips. Read in memory.

Nothing is extracted, no link is followed. An archive that names places outside of itself, that unpacks to more than a
project has, or that is damaged, is refused as a whole: BadInput says why.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from midfill_training.corpus.members import Member
from midfill_training.corpus.settings import SourceLimits
from midfill_training.errors import BadInput

ZIPS = (".zip", ".whl")
TARS = (
    *(".tar", ".tar.gz", ".tgz", ".crate", ".tar.bz2", ".tbz2", ".tbz"),
    *(".tar.xz", ".txz", ".tar.lzma", ".tar.zst", ".tzst"),
)
MIN_CHECKED_BYTES = 16 * 2**20  # below this much, no ratio is a bomb
# gzip complains with OSError, zipfile of encryption with RuntimeError, zstandard with its own error.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    """By its name."""
    return path.name.lower().endswith((*ZIPS, *TARS))


def archive_name(path: Path) -> str:
    """What the archive calls its project when no metadata does: `fmt-9.1` for `fmt_9.1.orig.tar.gz`."""
    suffix = next(each for each in sorted((*ZIPS, *TARS), key=len, reverse=True) if path.name.lower().endswith(each))
    name = path.name[: -len(suffix)]
    return re.sub(r"_(?=\d)", "-", name.removesuffix(".orig"), count=1)


def read_archive(path: Path, limits: SourceLimits) -> Iterator[Member]:
    """The files of an archive, within `damage_named`; a member is read before the next one, or not at all."""
    read = _read_zip if path.name.lower().endswith(ZIPS) else _read_tar
    for n_members, member in enumerate(read(path, limits)):
        if n_members == limits.max_members:
            raise BadInput(f"{path}: refused: holds more than {limits.max_members:,} files")
        yield member


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Whatever reading an archive may meet becomes BadInput."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(f"{path}: needs the package {error.name}, which is not installed") from error
    except DAMAGED as error:
        raise BadInput(f"{path}: damaged archive: {error or type(error).__name__}; fetch it again") from error


def _read_zip(path: Path, limits: SourceLimits) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        n_unpacked = sum(info.file_size for info in infos)
        _check_size(path, n_unpacked, limits)
        for info in infos:
            _check_name(path, info.filename)
        for info in infos:
            if not info.is_dir() and not _is_zip_link(info):
                yield Member(info.filename, info.file_size, _zip_reader(archive, info))


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with archive.open(info) as stream:
            return stream.read(info.file_size)  # whatever the data says, no more than the directory

    return read


def _is_zip_link(info: zipfile.ZipInfo) -> bool:
    return (info.external_attr >> 16) & 0o170000 == 0o120000


def _read_tar(path: Path, limits: SourceLimits) -> Iterator[Member]:
    with ExitStack() as stack:
        packed = stack.enter_context(path.open("rb"))
        unpacked = stack.enter_context(cast("IO[bytes]", _unpacked(path, packed)))
        guarded = _Guarded(path, unpacked, limits)
        archive = stack.enter_context(tarfile.open(fileobj=cast("IO[bytes]", guarded), mode="r|"))
        for info in archive:
            _check_name(path, info.name)
            if info.issym() or info.islnk():
                _check_link(path, info)
            elif info.isfile():
                yield Member(info.name.removeprefix("./"), info.size, _tar_reader(archive, info))


def _tar_reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        stream = archive.extractfile(info)
        return stream.read() if stream else b""

    return read


def _unpacked(path: Path, packed: IO[bytes]) -> object:
    """By the first bytes, not by the name."""
    head = packed.read(6)
    packed.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=packed)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if head.startswith((b"\xfd7zXZ\0", b"\x5d\0\0")):
        return lzma.LZMAFile(packed)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return packed


class _Guarded(io.RawIOBase):
    """A stream that refuses to unpack to more than the limits allow."""

    def __init__(self, path: Path, stream: IO[bytes], limits: SourceLimits) -> None:
        self._path, self._stream, self._limits = path, stream, limits
        self._n_bytes = 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._n_bytes += len(block)
        _check_size(self._path, self._n_bytes, self._limits)
        return block


def _check_size(path: Path, n_unpacked: int, limits: SourceLimits) -> None:
    if n_unpacked > limits.max_unpacked_bytes:
        raise BadInput(f"{path}: refused: unpacks to more than {limits.max_unpacked_bytes:,} bytes")
    n_packed = path.stat().st_size
    if n_unpacked > max(MIN_CHECKED_BYTES, limits.max_ratio * n_packed):
        raise BadInput(f"{path}: refused: unpacks to more than {limits.max_ratio} times its {n_packed:,} bytes")


def _check_name(path: Path, name: str) -> None:
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        raise BadInput(f"{path}: refused: holds a file named {name!r}, which lies outside of it")


def _check_link(path: Path, info: tarfile.TarInfo) -> None:
    """Symbolic links start from their own folder, hard links from the root."""
    target = PurePosixPath(info.linkname)
    start = PurePosixPath(info.name).parent if info.issym() else PurePosixPath()
    depth = 0
    for part in (start / target).parts:
        depth += {"..": -1, ".": 0}.get(part, 1)
        if depth < 0:
            break
    if target.is_absolute() or depth < 0:
        raise BadInput(f"{path}: refused: its link {info.name!r} points outside of it, to {info.linkname!r}")
