"""Shards of a corpus: the same files give the same bytes, and damage is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from midfill_training.corpus.documents import Project, SourceFile, projects_in, read_projects, shards, write_shard
from midfill_training.errors import BadInput

FILES = [
    SourceFile("one", "a.py", "python", "x = 'ä'\n\u2028y = 1\n", "MIT"),
    SourceFile("one", "b.py", "python", ""),
    SourceFile("two", "a.go", "go", "package a\n", "MIT OR Apache-2.0"),
]


def test_there_and_back(tmp_path: Path) -> None:
    path = write_shard(tmp_path, 3, FILES)
    assert path.name == "00003.jsonl.gz"
    assert list(projects_in(path)) == [Project("one", tuple(FILES[:2])), Project("two", tuple(FILES[2:]))]
    assert list(read_projects(tmp_path)) == list(projects_in(path))


def test_the_same_bytes(tmp_path: Path) -> None:
    assert write_shard(tmp_path, 0, FILES).read_bytes() == write_shard(tmp_path, 1, iter(FILES)).read_bytes()


def test_shards_in_order(tmp_path: Path) -> None:
    for number in (10, 2):
        write_shard(tmp_path, number, FILES)
    assert [path.name for path in shards(tmp_path)] == ["00002.jsonl.gz", "00010.jsonl.gz"]


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_corpus(folder: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="holds no shard of a corpus"):
        shards(tmp_path / folder)


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"{}\n")[:-6], gzip.compress(b"no json\n"), gzip.compress(b'{"path": "a"}\n')],
    ids=["no gzip", "cut short", "no JSON", "no text"],
)
def test_damage(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "00000.jsonl.gz").write_bytes(content)
    with pytest.raises(BadInput, match=r"00000\.jsonl\.gz: cannot be read"):
        list(read_projects(tmp_path))


def test_a_failed_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_shard(tmp_path, 0, (SourceFile("p", str(1 // n), "python", "") for n in (1, 0)))
    assert list(tmp_path.iterdir()) == []
