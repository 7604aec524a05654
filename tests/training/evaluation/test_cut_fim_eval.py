"""The 13 scenarios, cut out of small files in seven languages and out of the standard library."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from midfill_training.commands import cut_fim_eval
from midfill_training.corpus.documents import SourceFile, write_shard
from midfill_training.errors import BadInput, OutputError, TrainingError
from midfill_training.evaluation.cases import read_cases
from midfill_training.evaluation.cutting import LANGUAGES, MAX_HOLE_BYTES, CutSettings, cut_set
from midfill_training.evaluation.scenarios import SCENARIOS, find_holes
from midfill_training.evaluation.suites.fim_eval import SUITE

CODE = Path(__file__).parent / "code"
LIBRARY = Path(asyncio.__file__).parent
FILES = {"python": "stock.py", "java": "Shelf.java"} | {
    language: f"shelf.{extension}"
    for language, extension in {"cpp": "cpp", "javascript": "js", "typescript": "ts", "go": "go", "rust": "rs"}.items()
}
MISSING = {"python": {"switch"}, "go": {"while", "try"}, "rust": {"try"}}


def cut(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    cut_fim_eval.add_parser(parser.add_subparsers())
    args = parser.parse_args(["cut-fim-eval", *map(str, arguments)])
    code: int = args.run(args)
    return code


def holes(language: str) -> dict[str, list[str]]:
    source = (CODE / FILES[language]).read_bytes()
    found: dict[str, list[str]] = {scenario: [] for scenario in SCENARIOS}
    for hole in find_holes(language, source):
        found[hole.scenario].append(source[hole.start : hole.end].decode())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scenario_that_a_language_has(language: str) -> None:
    found = holes(language)
    assert {scenario for scenario, texts in found.items() if not texts} == MISSING.get(language, set())
    assert set(found["empty"]) == {""}
    assert not any("\n" in text for text in found["single_line"] + found["method_signature"])


SIGNATURES = {
    "python": [
        "def load(path):",
        "def total(items, rate=0.2):",
        "def __init__(self, size):",
        "def fill(self, source):",
    ],
    "java": ["public int count(String kind)", "public String label(int size)"],
    "cpp": ["int count(const std::vector<int>& kinds, int wanted)", "std::string label(int size)"],
    "javascript": ["function count(items, kind)", "label(size)"],
    "typescript": ["function count(items: Item[], kind: string): number", "label(size: number): string | null"],
    "go": ["func Count(items []string, kind string) int", "func (s *Shelf) Label(size int) (string, error)"],
    "rust": ["pub fn count(items: &[String], kind: &str) -> usize", "pub fn label(&self, size: usize) -> String"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures(language: str) -> None:
    assert sorted(holes(language)["method_signature"]) == sorted(SIGNATURES[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_belongs_to_the_comment_above_it(language: str) -> None:
    found = holes(language)
    assert len(found["method_with_comment"]) == 1
    assert len(found["method_body"]) == len(SIGNATURES[language]) - 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_thirds_of_a_body_are_all_of_it(language: str) -> None:
    found = holes(language)
    for top, mid, bottom in zip(found["body_top"], found["body_mid"], found["body_bottom"], strict=True):
        whole = next(text for text in found["method_body"] + found["method_with_comment"] if text.startswith(top))
        assert mid in whole
        assert whole.endswith(bottom)


def test_a_docstring_stays_in_the_prefix() -> None:
    (body,) = holes("python")["method_with_comment"]
    assert body.startswith("amount = 0\n")


@pytest.mark.parametrize(
    "source",
    ["def f(:\n", "", "x = 1\n", "def f(): pass\n", 'def f():\n    """Only a docstring."""\n', "if x: y = 1; z = 2\n"],
)
def test_what_cannot_be_cut_is_left_alone(source: str) -> None:
    assert {hole.scenario for hole in find_holes("python", source.encode())} <= {"method_signature", "empty"}


def rows(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_set_out_of_the_standard_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row restores its file, holes are whole nodes of a size that can be asked for, none is there twice."""
    assert cut(LIBRARY, "-o", tmp_path / "set.jsonl.gz", "--per-scenario", 12) == 0
    assert "single_line          12" in capsys.readouterr().out
    found = rows(tmp_path / "set.jsonl.gz")
    assert max(Counter(row["task_type"] for row in found).values()) == 12
    for row in found:
        text = row["pre_mask_code"] + row["canonical_solution"] + row["post_mask_code"]
        assert text == (LIBRARY / row["path"]).read_text(encoding="utf-8")
        assert len(row["canonical_solution"].encode()) <= MAX_HOLE_BYTES
    assert len({row["task_id"] for row in found}) == len(found)
    assert len({(row["task_type"], row["path"]) for row in found}) == len(found), "one place of a kind in a file"
    assert len(read_cases(tmp_path / "set.jsonl.gz", SUITE.fields, SUITE.case_of)) == len(found)


def test_the_seed_decides_and_the_order_of_sources_does_not(tmp_path: Path) -> None:
    sources = [LIBRARY, CODE]
    settings = CutSettings(per_scenario=2, seed=1)
    first = cut_set(sources, settings).rows
    assert first == cut_set(sources[::-1], settings).rows
    assert first != cut_set(sources, CutSettings(per_scenario=2, seed=2)).rows


def test_a_larger_set_holds_the_smaller_one() -> None:
    small, large = (
        {row["task_id"] for row in cut_set([LIBRARY], CutSettings(per_scenario=each)).rows} for each in (2, 5)
    )
    assert small < large


def test_a_corpus_is_a_source(tmp_path: Path) -> None:
    files = [SourceFile("shop", name, language, (CODE / name).read_text()) for language, name in FILES.items()]
    write_shard(tmp_path, 0, files)
    corpus, folder = cut_set([tmp_path], CutSettings()), cut_set([CODE], CutSettings())
    assert corpus.rows == folder.rows


def test_equal_files_count_once(tmp_path: Path) -> None:
    shutil.copytree(CODE, tmp_path / "a")
    shutil.copytree(CODE, tmp_path / "b")
    assert cut_set([tmp_path], CutSettings()).counts == cut_set([CODE], CutSettings()).counts


def test_files_that_nobody_wrote_by_hand(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    text = (CODE / "shelf.js").read_text()
    (tmp_path / "node_modules" / "a.js").write_text(text)
    (tmp_path / "minified.js").write_text(text + "x = [" + "1, " * 1000 + "]\n")
    (tmp_path / "latin.js").write_bytes(text.encode() + b"// \xe9\n")
    with pytest.raises(BadInput, match="no place to cut in"):
        cut_set([tmp_path], CutSettings())


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (["no-such-folder", "-o", "out.jsonl"], BadInput, "is no folder"),
        ([CODE, "-o", "out.jsonl", "--languages", "klingon"], BadInput, "'klingon' is no language with a grammar"),
        ([CODE, "-o", "out.jsonl", "--languages", "markdown"], BadInput, "is no language with a grammar"),
        ([CODE, "-o", "out.jsonl", "--languages", "ruby"], BadInput, "no place to cut in ruby"),
        ([CODE, "-o", "nowhere/out.jsonl"], OutputError, "no such folder"),
        ([CODE, "-o", "there.jsonl"], OutputError, "exists"),
    ],
)
def test_wrong_usage(
    arguments: list[object],
    error: type[TrainingError],
    match: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.jsonl").touch()
    with pytest.raises(error, match=match):
        cut(*arguments)
    assert {path.name for path in tmp_path.iterdir()} == {"there.jsonl"}
