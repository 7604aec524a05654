"""`midfill-train examples`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from midfill_training.commands import examples
from midfill_training.errors import BadInput

CODE = "def f(x):\n    y = g(x, 1)\n    return y + 1\n"


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    examples.add_parser(parser.add_subparsers())
    args = parser.parse_args(["examples", *map(str, arguments)])
    code: int = args.run(args)
    return code


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "a.py").write_text(CODE)
    (tmp_path / "notes.unknown").write_text("no code\n" * 9)
    return [tmp_path / "a.py", tmp_path / "notes.unknown"]


def test_for_people(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*files, "--count", 200, "--show", 4) == 0
    told = capsys.readouterr().out
    assert told.count("⟦") == told.count("⟧") == told.count("\n--- ") + 1 == 4
    assert "sfim       single_line" in told
    assert "200 examples at " in told
    assert "parsing alone takes" in told


def test_long_middles_are_cut_for_the_eye(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("line\n" * 100)
    (tmp_path / "all.toml").write_text("[objectives]\nfim = 0\nsfim = 0\n")
    assert run(tmp_path / "a.txt", "--count", 1, "--config", tmp_path / "all.toml") == 0
    assert "… 88 more lines⟧" in capsys.readouterr().out


def test_for_programs(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files[0], "--count", 50, "--show", 50, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["examples"]) == 50
    assert {each["prefix"] + each["middle"] + each["suffix"] for each in told["examples"]} == {CODE}
    assert sum(kind["share"] for kind in told["kinds"]) == pytest.approx(1)
    assert run(files[0], "--count", 50, "--show", 50, "--json") == 0
    assert json.loads(capsys.readouterr().out)["examples"] == told["examples"]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary.py", tmp_path / "missing.py", tmp_path):
        with pytest.raises(BadInput, match="cannot be read as text in UTF-8"):
            run(path)
