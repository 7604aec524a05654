"""Every kind of source gives its projects, with name, licence and counts; what is left out is counted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.members import Origin, decode
from midfill_training.corpus.settings import CorpusSettings, SourceLimits
from midfill_training.corpus.sources import find_sources, read_source
from midfill_training.corpus.tally import Tally
from midfill_training.errors import BadInput
from training.planted_projects import GPL, MIT, git, write_project, write_tar, write_zip

CODE = "def f():\n    return 1\n"
METADATA = "Metadata-Version: 2.4\nName: thing\nVersion: 1.2\nLicense-Expression: Apache-2.0\n"


def read(path: Path, settings: CorpusSettings | None = None) -> tuple[list[tuple[Origin, SourceFile]], Tally]:
    tally = Tally()
    found = [
        each for source in find_sources([path]) for each in read_source(source, settings or CorpusSettings(), tally)
    ]
    return found, tally


def folder(root: Path) -> Path:
    return write_project(root / "thing", {"src/a.py": CODE, "notes.txt": "x", "node_modules/b.js": "x"})


def checkout(root: Path) -> Path:
    path = folder(root)
    git(path, "init")
    git(path, "add", "src", "LICENSE")
    git(path, "commit", "-m", "one")
    git(path, "commit", "--allow-empty", "-m", "two")
    (path / "not_committed.py").write_text(CODE)
    return path


def bare(root: Path) -> Path:
    git(root, "clone", "--bare", str(checkout(root / "from")), "thing.git")
    return root / "thing.git"


def wheel(root: Path) -> Path:
    return write_zip(
        root / "thing-1.2-py3-none-any.whl",
        {"src/a.py": CODE, "thing-1.2.dist-info/METADATA": METADATA, "thing-1.2.dist-info/licenses/LICENSE": MIT},
    )


def sdist(root: Path) -> Path:
    return write_tar(root / "t.tar.gz", {"thing-1.2/src/a.py": CODE, "thing-1.2/PKG-INFO": METADATA})


def npm(root: Path) -> Path:
    package = json.dumps({"name": "thing", "version": "1.2", "license": "ISC"})
    return write_tar(root / "t.tgz", {"package/src/a.py": CODE, "package/package.json": package})


def debian(root: Path) -> Path:
    return write_tar(root / "thing_1.2.orig.tar.xz", {"up-1/src/a.py": CODE, "up-1/COPYING": MIT}, "w:xz")


def zstandard_tar(root: Path) -> Path:
    import zstandard

    plain = write_tar(root / "t.tar", {"x/src/a.py": CODE, "x/LICENSE": MIT}, "w")
    path = root / "thing-1.2.tar.zst"
    path.write_bytes(zstandard.compress(plain.read_bytes()))
    return path


def plain_zip(root: Path) -> Path:
    return write_zip(root / "thing-1.2.zip", {"thing-main/src/a.py": CODE, "thing-main/LICENSE": MIT})


ROW = {
    "content": CODE,
    "max_stars_repo_name": "someone/thing",
    "max_stars_repo_path": "src/a.py",
    "max_stars_repo_licenses": ["MIT", "ISC"],
    "max_stars_count": 7,
    "lang": "Python",
}


def json_lines(root: Path) -> Path:
    path = root / "t.jsonl.gz"
    path.write_bytes(gzip.compress((json.dumps(ROW) + "\nno json\n" + json.dumps({"content": 1}) + "\n").encode()))
    return path


def parquet(root: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist([ROW, ROW | {"max_stars_repo_path": "b.md"}]), root / "t.parquet"
    )
    return root / "t.parquet"


@pytest.mark.parametrize(
    ("make", "name", "licence", "stars", "commits"),
    [
        (folder, "thing", "MIT", None, None),
        (checkout, "thing", "MIT", None, 2),
        (bare, "thing", "MIT", None, 2),
        (wheel, "thing-1.2", "Apache-2.0 AND MIT", None, None),
        (sdist, "thing-1.2", "Apache-2.0", None, None),
        (npm, "thing-1.2", "ISC", None, None),
        (debian, "thing-1.2", "MIT", None, None),
        (zstandard_tar, "thing-1.2", "MIT", None, None),
        (plain_zip, "thing-1.2", "MIT", None, None),
        (json_lines, "someone/thing", "MIT AND ISC", 7, None),
        (parquet, "someone/thing", "MIT AND ISC", 7, None),
    ],
)
def test_a_source(
    make: Callable[[Path], Path], name: str, licence: str, stars: int | None, commits: int | None, tmp_path: Path
) -> None:
    path = make(tmp_path)
    found, _ = read(path)
    assert [file for _, file in found] == [SourceFile("", "src/a.py", "python", CODE, licence)]
    origin = found[0][0]
    assert (origin.name, origin.stars, origin.commits) == (name, stars, commits)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "a.py": "\ufeffx = 1\r\ny = 2\rz = 3\n",
        "b.py": b"x = 1\0",
        "c.py": "x = 'ä'".encode("latin-1"),
        "d.py": "x" * (2**20 + 1),
        "e.py": "\n \n",
        "f.md": "text",
        "node_modules/g.js": "x",
    }
    found, tally = read(write_zip(tmp_path / "t.zip", files))
    assert [file.text for _, file in found] == ["x = 1\ny = 2\nz = 3\n"]
    assert tally.skipped == {
        **{"binary": 1, "not UTF-8": 1, "too large": 1, "empty": 1},
        **{"of no wanted language": 1, "of another project": 1},
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\r\nb\rc\n", ("a\nb\nc\n", "")),
        (b"\xef\xbb\xbfa", ("a", "")),
        (b"a\0", ("", "binary")),
        (b" ", ("", "empty")),
    ],
)
def test_decode(content: bytes, expected: tuple[str, str]) -> None:
    assert decode(content) == expected


def test_only_wanted_languages(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", {"a.py": CODE, "b.go": "package b\n", "c.json": "{}"})
    assert {file.language for _, file in read(path)[0]} == {"python", "go"}
    assert {file.language for _, file in read(path, CorpusSettings(languages=("golang",)))[0]} == {"go"}
    with pytest.raises(BadInput, match="'pyton' is no language"):
        read(path, CorpusSettings(languages=("pyton",)))


def test_vendored_code_keeps_its_own_licence(tmp_path: Path) -> None:
    path = write_project(tmp_path / "p", {"a.py": CODE, "third_party/x/COPYING": GPL, "third_party/x/src/b.py": CODE})
    assert {file.path: file.licence for _, file in read(path)[0]} == {
        "a.py": "MIT",
        "third_party/x/src/b.py": "GPL-2.0-only",
    }


def test_a_folder_of_sources_and_a_project_with_an_archive(tmp_path: Path) -> None:
    everything = tmp_path / "all"
    everything.mkdir()
    wheel(everything)
    folder(everything)
    assert [Path(source.path).name for source in find_sources([everything])] == ["thing", "thing-1.2-py3-none-any.whl"]
    (everything / "setup.py").write_text(CODE)
    assert [source.path for source in find_sources([everything])] == [str(everything)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.txt", "# my sources\nthing  # one of them\n"),
        ("s.toml", '[[source]]\npath = "thing"\nname = "mine"\nlicence = "LicenseRef-Own"\nstars = 3\n'),
    ],
)
def test_a_list_of_sources(name: str, text: str, tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / name).write_text(text)
    found, _ = read(tmp_path / name)
    origin, file = found[0]
    expected = ("mine", 3, "LicenseRef-Own") if name.endswith("toml") else ("thing", None, "MIT")
    assert (origin.name, origin.stars, file.licence) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "no such file or folder"),
        ("a.exe", b"x", "no source of code"),
        ("s.toml", b"[[source]\n", "cannot be read as a list"),
        ("s.toml", b"[[source]]\nname = 'x'\n", "source 1 has no path"),
        ("s.toml", b"[[source]]\npath = '.'\nstar = 3\n", "star is no setting"),
        ("s.txt", b"elsewhere\n", "elsewhere: no such file"),
        ("s.txt", b"\xff\n", "cannot be read as a list"),
        ("t.jsonl.gz", b"\x1f\x8bnot gzip", "damaged table"),
        ("t.parquet", b"PAR1 not parquet", "damaged table"),
    ],
)
def test_bad_sources(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read(path)


def test_a_repository_without_commits_or_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init")
    with pytest.raises(BadInput, match="cannot be read by git"):
        find_sources([tmp_path])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BadInput, match="`git` is not installed"):
        find_sources([tmp_path])


def test_a_shallow_clone_does_not_know_its_commits(tmp_path: Path) -> None:
    original = checkout(tmp_path / "from")
    git(tmp_path, "clone", "--depth", "1", f"file://{original}", "shallow")
    found, _ = read(tmp_path / "shallow")
    assert found[0][0].commits is None


def test_too_many_files(tmp_path: Path) -> None:
    settings = replace(CorpusSettings(), limits=SourceLimits(max_members=2))
    for path in (folder(tmp_path), plain_zip(tmp_path)):
        (path / "one_more.py").write_text(CODE) if path.is_dir() else write_zip(path, dict.fromkeys("abc", CODE))
        with pytest.raises(BadInput, match="holds more than 2 files"):
            read(path, settings)
