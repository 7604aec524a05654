"""Files of cases: their shape is checked with the line that is wrong, and a limit always takes the same cases."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_training.errors import BadInput
from midfill_training.evaluation.cases import Case, choose_cases, read_cases
from midfill_training.evaluation.runs import Run, baselines, plan_runs
from midfill_training.evaluation.suites.table import SUITES, find_suite

DATA = Path(__file__).parent / "data"


def read(suite: str, path: Path) -> list[Case]:
    found = SUITES[suite]
    return read_cases(path, found.fields, found.case_of)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("other", SUITES)
def test_a_file_of_another_suite_is_refused(suite: str, other: str) -> None:
    if suite == other:
        assert read(suite, DATA / f"{other}.jsonl")
        return
    with pytest.raises(BadInput, match=r"line 1: has no field '\w+'; a row of this suite has "):
        read(suite, DATA / f"{other}.jsonl")


ROW = {"name": "a-L1", "language": "py", "prompt": "x", "suffix": "", "canonical_solution": "y"}
GOOD = json.dumps(ROW)
BROKEN = {
    "empty": (b"", "holds no case"),
    "blank": (b"\n\n", "holds no case"),
    "not JSON": (b"name,language\n", "line 1: is no JSON: "),
    "JSON later": (GOOD.encode() + b"\nx\n", "line 2: is no JSON: "),
    "a list": (b"[1]\n", "line 1: is no JSON object"),
    "latin-1": (b'{"name": "\xe9"}\n', "is no text in UTF-8"),
    "another language": (json.dumps(ROW | {"language": "cobol"}).encode(), "line 1: is no case of this suite: 'cobol'"),
    "a number for text": (json.dumps(ROW | {"suffix": 3}).encode(), "line 1: is no case of this suite"),
    "twice": (f"{GOOD}\n\n{GOOD}\n".encode(), "line 3: a second case with the id py/a-L1"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read("santacoder-fim", path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read("santacoder-fim", tmp_path / "rows.jsonl")
    with pytest.raises(BadInput, match="cannot be read"):
        read("santacoder-fim", tmp_path)
    whole = gzip.compress(GOOD.encode() * 100)
    for number, data in enumerate((b"no gzip", whole[:-10], whole[:20] + b"\0\0\0\0" + whole[24:])):
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(data)
        with pytest.raises(BadInput, match="cannot be read"):
            read("santacoder-fim", path)


def test_gzip_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress((DATA / "safim.jsonl").read_bytes()))
    assert read("safim", path) == read("safim", DATA / "safim.jsonl")


def test_an_unknown_suite_is_named() -> None:
    with pytest.raises(BadInput, match="no suite 'mbpp'; there are santacoder-fim, humaneval-infilling, "):
        find_suite("mbpp")


def some(n_each: int) -> list[Case]:
    cursor = Cursor("", "", "", "")
    return [Case(f"{group}{n}", group, f"{n}", cursor, "") for group in ("b", "a") for n in range(n_each)]


def test_a_limit_is_of_each_group_and_grows_by_adding() -> None:
    cases = some(50)
    small, large = choose_cases(cases, 10), choose_cases(cases, 20)
    assert [case.group for case in small] == ["b"] * 10 + ["a"] * 10
    assert {case.id for case in small} < {case.id for case in large}
    assert choose_cases(cases[::-1], 10)[10:] == small[:10], "the order of the file does not matter"
    assert len(choose_cases(cases, None)) == len(choose_cases(cases, 999)) == 100
    assert [case.id for case in small[:10]] != [f"b{n}" for n in range(10)], "not the first ones"


def names(suite: str, *, has_fim: bool, raw: bool = False, baseline: bool = False) -> list[str]:
    found = SUITES[suite]
    cases = read(suite, DATA / f"{suite}.jsonl")
    return [run.name for run in plan_runs(found, cases, has_fim=has_fim, raw=raw, baseline=baseline)]


def test_runs() -> None:
    assert names("santacoder-fim", has_fim=True) == ["served"]
    assert names("santacoder-fim", has_fim=True, raw=True) == ["served", "raw"]
    assert names("santacoder-fim", has_fim=True, baseline=True) == ["served", "prefix-only served"]
    assert names("santacoder-fim", has_fim=False, baseline=True) == ["served"], "it is its own baseline"
    chunks = ["served", "served + chunks"]
    assert names("crosscodeeval", has_fim=False) == chunks
    assert names("crosscodeeval", has_fim=True) == [*chunks, *(f"prefix-only {name}" for name in chunks)]


def test_a_run_is_compared_with_the_baseline_that_was_asked_alike() -> None:
    runs = [Run(), Run(has_snippets=True), Run(is_baseline=True), Run(is_baseline=True, has_snippets=True)]
    assert list(baselines(runs)) == [(runs[0], runs[2]), (runs[1], runs[3])]
    assert list(baselines(runs[:2])) == []
