"""Archives that attack or are damaged are refused with their reason; none of them touches the disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from midfill_training.corpus.archives import archive_name
from midfill_training.corpus.settings import CorpusSettings, SourceLimits
from midfill_training.corpus.sources import find_sources, read_source
from midfill_training.corpus.tally import Tally
from midfill_training.errors import BadInput
from training.planted_projects import module, write_tar, write_zip


def link(name: str, target: str, kind: bytes) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        path = root / "t.tar"
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        return path

    return make


def cut_short(root: Path) -> Path:
    path = write_tar(root / "t.tar.gz", {f"p/{n}.py": module(n) for n in range(20)})
    path.write_bytes(path.read_bytes()[:2000])
    return path


def wrong_byte(root: Path) -> Path:
    path = write_zip(root / "t.zip", {"p/a.py": module(1)})
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    return path


def encrypted(root: Path) -> Path:
    path = write_zip(root / "t.zip", {"a.py": module(1)})
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    return path


def zip_bomb(root: Path) -> Path:
    return write_zip(root / "t.zip", {f"{n}.bin": bytes(2**20) for n in range(64)})


def tar_bomb(root: Path) -> Path:
    return write_tar(root / "t.tar.gz", {"a.bin": bytes(64 * 2**20)})


def endless_tar(root: Path) -> Path:
    """A header that promises far more than follows."""
    info = tarfile.TarInfo("a.py")
    info.size = 2**40
    path = root / "t.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(64 * 2**20)))
    return path


def lying_zip(root: Path) -> Path:
    """The directory says 10 bytes of a member that unpacks to a megabyte."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"x" * 2**20)
    data = stream.getvalue().replace((2**20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (root / "t.zip").write_bytes(data)
    return root / "t.zip"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda root: write_zip(root / "t.zip", {"../a.py": "x"}), "refused: holds a file named '../a.py'"),
        (lambda root: write_zip(root / "t.zip", {"/etc/a.py": "x"}), "refused: holds a file named '/etc/a.py'"),
        (lambda root: write_zip(root / "t.zip", {"a\\..\\..\\b.py": "x"}), "which lies outside of it"),
        (lambda root: write_zip(root / "t.zip", {"C:\\a.py": "x"}), "which lies outside of it"),
        (lambda root: write_tar(root / "t.tar", {"p/../../a.py": "x"}, "w"), "which lies outside of it"),
        (lambda root: write_tar(root / "t.tar", {"/a.py": "x"}, "w"), "which lies outside of it"),
        (link("p/a.py", "../../b.py", tarfile.SYMTYPE), "its link 'p/a.py' points outside"),
        (link("p/a.py", "/etc/passwd", tarfile.SYMTYPE), "points outside"),
        (link("p/a.py", "../b.py", tarfile.LNKTYPE), "points outside"),
        (zip_bomb, "refused: unpacks to more than 200 times"),
        (tar_bomb, "refused: unpacks to more than 200 times"),
        (endless_tar, "refused: unpacks to more than 200 times"),
        (cut_short, "damaged archive"),
        (wrong_byte, "damaged archive"),
        (encrypted, "damaged archive: .*password"),
        (lying_zip, "damaged archive"),
        (lambda root: write_zip(root / "t.whl", {}).rename(root / "t.tar.gz"), "damaged archive"),
    ],
)
def test_refused(make: Callable[[Path], Path], reason: str, tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(BadInput, match=reason):
        list(read_source(find_sources([path])[0], CorpusSettings(), Tally()))
    assert list(tmp_path.iterdir()) == [path]


def test_more_than_a_project_has(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "t.tar", {"a.bin": bytes(100_000)}, "w")
    settings = CorpusSettings(limits=SourceLimits(max_unpacked_bytes=50_000))
    with pytest.raises(BadInput, match="unpacks to more than 50,000 bytes"):
        list(read_source(find_sources([path])[0], settings, Tally()))


def test_links_inside_are_not_followed(tmp_path: Path) -> None:
    path = link("p/q/a.py", "../b.py", tarfile.SYMTYPE)(tmp_path)
    assert list(read_source(find_sources([path])[0], CorpusSettings(), Tally())) == []


@pytest.mark.parametrize(
    ("file", "name"),
    [("fmt_9.1.orig.tar.gz", "fmt-9.1"), ("a_b-1.0.tar.xz", "a_b-1.0"), ("x-1-py3-none-any.WHL", "x-1-py3-none-any")],
)
def test_names_of_archives(file: str, name: str) -> None:
    assert archive_name(Path(file)) == name
