"""`midfill-train corpus` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import MIDFILL_TRAIN, run
from midfill_training.corpus.documents import read_projects
from training.planted_projects import module, write_project, write_zip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "thing", {f"src/m{n}.py": module(n) for n in range(3)})


def corpus(*arguments: str | Path) -> tuple[int, str, str]:
    done = run(MIDFILL_TRAIN, "corpus", *map(str, arguments), "--tasks", "1", "--workers", "1")
    return done.returncode, done.stdout, done.stderr


def test_figures_and_what_was_not_read(project: Path, tmp_path: Path) -> None:
    bad = write_zip(tmp_path / "bad.zip", {"/a.py": "x"})
    code, out, err = corpus(project, bad, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "read                    1 projects         3 files" in out
    assert f"not read: {bad}: refused: holds a file named '/a.py'" in out
    assert [each.name for each in read_projects(tmp_path / "out")] == ["thing"]
    code, _, err = corpus(project, bad, "-o", tmp_path / "strict", "--strict")
    assert code == 1
    assert f"midfill-train: {bad}: refused" in err


def test_json_and_settings(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        '[corpus]\nstages = ["licence", "exact"]\nlanguages = ["python"]\n[corpus.limits]\nmax_members = 99\n'
    )
    code, out, err = corpus(project, "-o", tmp_path / "out", "--config", config, "--json")
    assert (code, err) == (0, "")
    manifest = json.loads(out)
    assert list(manifest["counts"]["stages"]) == ["licence", "exact"]
    assert manifest["settings"]["limits"]["max_members"] == 99
    assert list(manifest["inputs"]) == [str(project)]
    config.write_text("[corpus]\nstage = []\n")
    code, _, err = corpus(project, "-o", tmp_path / "out", "--config", config)
    assert code == 1
    assert "stage is no setting" in err


def test_benchmarks_are_inputs(project: Path, tmp_path: Path) -> None:
    benchmark = tmp_path / "bench.jsonl"
    benchmark.write_text(json.dumps({"task_id": "1", "prompt": module(0), "canonical_solution": ""}) + "\n")
    code, out, err = corpus(project, "-o", tmp_path / "out", "--decontaminate", benchmark, "--json")
    assert (code, err) == (0, "")
    manifest = json.loads(out)
    assert str(benchmark) in manifest["inputs"]
    code, _, err = corpus(project, "-o", tmp_path / "other", "--decontaminate", tmp_path / "missing.jsonl")
    assert code == 1
    assert "missing.jsonl" in err


@pytest.mark.parametrize(
    "arguments", [[], ["x"], ["x", "-o", "y", "--executor", "mpi"], ["x", "-o", "y", "--tasks", "z"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(MIDFILL_TRAIN, "corpus", *arguments).returncode == 2
