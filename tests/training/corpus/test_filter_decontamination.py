"""Benchmarks of all their formats, and the two levels at which they are kept out."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from random import Random

import pytest

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.decontamination import (
    DecontaminationSettings,
    decontamination_filter,
    project_name,
    repository_names,
    run_hashes,
)
from midfill_training.errors import BadInput
from training.corpus.planted import Writer

WRITER = Writer("python", Random(3))
LINES = [WRITER.function() for _ in range(12)]
CASE = "\n".join(LINES[0]) + "\n"
PARTS = ("\n".join(LINES[0][:2]) + "\n", LINES[0][2] + "\n", "\n".join(LINES[0][3:]) + "\n")
OWN = ["\n".join(lines) + "\n" for lines in LINES[1:]]


def write(path: Path, *rows: object) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def out(path: Path, texts: list[str], project: str = "sums") -> list[bool]:
    judge = decontamination_filter(DecontaminationSettings(benchmarks=(str(path),)))
    files = [SourceFile(project, f"{i}.py", "python", text) for i, text in enumerate(texts)]
    return [verdict.file is None for verdict in judge(files)]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"prompt": PARTS[0], "canonical_solution": PARTS[1], "suffix": PARTS[2]}, id="humaneval"),
        pytest.param(
            {"prompt": PARTS[0].rstrip(), "canonical_solution": PARTS[1].strip("\n"), "suffix": PARTS[2].strip("\n")},
            id="santacoder-fim",
        ),
        pytest.param({"prompt": PARTS[0], "groundtruth": PARTS[1], "right_context": PARTS[2]}, id="crosscodeeval"),
        pytest.param({"eval_prompt": PARTS[0] + "{{completion}}" + PARTS[2], "ground_truth": PARTS[1]}, id="safim"),
        pytest.param({"prompt": "a = 1\n", "canonical_solution": "", "test": CASE}, id="its tests"),
        pytest.param(
            {"prompt": "a = 1\n", "crossfile_context": {"list": [{"retrieved_chunk": CASE}]}}, id="its context"
        ),
    ],
)
def test_every_format_is_indexed(row: object, tmp_path: Path) -> None:
    bench = write(tmp_path / "sums.jsonl.gz", row)
    assert out(bench, [OWN[0], OWN[1] + CASE + OWN[2], OWN[3], CASE, OWN[4], OWN[5], *OWN[6:10]]) == [
        *[False, True, False, True, False, False],
        *[False] * 4,
    ]


def test_a_file_says_which_benchmark_it_shares_code_with(tmp_path: Path) -> None:
    write(tmp_path / "first.jsonl", {"prompt": OWN[0]})
    write(tmp_path / "second.jsonl", {"prompt": CASE})
    judge = decontamination_filter(DecontaminationSettings(benchmarks=(str(tmp_path),)))
    [verdict] = pickle.loads(pickle.dumps(judge))([SourceFile("sums", "a.py", "python", CASE)])
    assert verdict.findings == {"second": 1}
    assert "runs of 16 tokens with second" in verdict.reason


def test_a_project_with_many_such_files_goes_whole(tmp_path: Path) -> None:
    bench = write(tmp_path / "sums.jsonl", {"prompt": CASE}, {"prompt": OWN[0]})
    assert out(bench, [CASE, OWN[0], OWN[1], OWN[2]]) == [True] * 4
    assert out(bench, [CASE, OWN[1]]) == [True, False], "one file alone condemns no small project"
    assert sum(out(bench, [CASE, OWN[0], *OWN[1:]])) == 2


@pytest.mark.parametrize(
    ("project", "is_out"),
    [
        *[("ann-lee-sums-0a1b2c3", True), ("ann/lee-sums", True), ("lee_sums-1.0.2", True), ("Lee-Sums", True)],
        *[("bo/lee-sums", False), ("sums", False), ("lee-sums-server", False)],
    ],
)
def test_a_project_that_a_benchmark_names_goes_whole(project: str, is_out: bool, tmp_path: Path) -> None:
    row = {"prompt": CASE, "metadata": {"repository": "ann-lee-sums-0a1b2c3"}}
    assert out(write(tmp_path / "sums.jsonl", row), [OWN[0]], project) == [is_out]


def test_names_of_repositories() -> None:
    assert repository_names("ann-sums-0a1b2c3") == {"ann-sums", "sums"}
    assert repository_names("") == frozenset()
    assert project_name("Ann/Sums") == "ann-sums"


def test_comments_layout_and_numbers_are_everybodys() -> None:
    licence = "# Licensed under the terms of the sums; you may use this file in compliance with them, and not else.\n"
    assert len(run_hashes(licence * 9, 16, 4)) == 0
    assert len(run_hashes(str([*range(99)]), 16, 4)) == 0
    spaced = CASE.replace("    ", "\t").replace(" + ", "  +\n")
    assert set(run_hashes(CASE, 16, 4)) == set(run_hashes(spaced, 16, 4))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b"{no json}\n", "cannot be read as a benchmark"),
        ("a.jsonl", b"[1]\n", "a line is no JSON object"),
        ("a.jsonl", b'{"text": "a"}\n', "has no field prompt or eval_prompt"),
        ("a.jsonl", b'{"prompt": "\xff"}\n', "cannot be read as a benchmark"),
        ("a.jsonl.gz", b"not gzip", "cannot be read as a benchmark"),
        ("a.jsonl.gz", gzip.compress(b'{"prompt": "a"}\n' * 99, mtime=0)[:-20], "cannot be read as a benchmark"),
        ("absent.jsonl", None, "cannot be read as a benchmark"),
        ("", None, "holds no benchmark"),
    ],
)
def test_a_bad_benchmark_is_told(name: str, data: bytes | None, message: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=message):
        decontamination_filter(DecontaminationSettings(benchmarks=(str(tmp_path / name),)))
