"""`midfill index` and `midfill bench index`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from midfill_lsp.commands import bench, index


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {
        "a.py": "import b\nimport os\n\ndef f(): ...\n",
        "b.py": "x = 1\n",
        ".env": "A=1\n",
        "c.ts": "",
        "d.png": "",
    }
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    return tmp_path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    index.add_parser(subparsers)
    bench.add_parser(subparsers)
    args = parser.parse_args(words)
    code: int = args.run(args)
    return code


def test_index_for_people(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", str(workspace)) == 0
    out = capsys.readouterr().out
    assert "3 files" in out
    assert "Python 2, TypeScript 1" in out
    assert "1 of 2 lead to a file of the workspace" in out
    assert "outside      os 1" in out
    assert "left out     secret 1; 1 no code" in out


def test_index_for_programs(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", str(workspace), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files_by_language"] == {"Python": 2, "TypeScript": 1}
    assert (found["n_imports"], found["n_resolved_imports"], found["unresolved"]) == (2, 1, {"os": 1})
    assert found["skipped"] == {".env": "secret"}
    assert found["n_definitions"] == 2
    assert found["process_bytes"] > found["facts_bytes"] > 0


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", str(tmp_path / "nowhere")) == 1
    assert "is not a folder" in capsys.readouterr().err


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", str(tmp_path)) == 0
    assert "0 files" in capsys.readouterr().out
    assert run("bench", "index", str(tmp_path)) == 1
    assert "no files to index" in capsys.readouterr().err


def test_bench(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "index", str(workspace), "--files", "7", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_files"] == 7
    assert all(found[key] > 0 for key in ("cold_s", "reload_s", "change_p50_ms", "packed_bytes_per_file"))
