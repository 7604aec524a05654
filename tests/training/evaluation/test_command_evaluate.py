"""`midfill-train evaluate` with a small model that is really served."""

from __future__ import annotations

import argparse
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midfill_model.errors import ModelError, UnknownModel
from midfill_model.files.random_model import SHAPES, synthetic_vocabulary, write_random_model
from midfill_model.local.llama_engine import LlamaEngine
from midfill_training.commands import evaluate
from midfill_training.errors import BadInput, OutputError
from midfill_training.evaluation.evaluation import Options
from midfill_training.evaluation.evaluation import evaluate as run_evaluation
from midfill_training.evaluation.results import read_results
from midfill_training.evaluation.suites import humaneval_infilling, santacoder_fim

DATA = Path(__file__).parent / "data"
SANTACODER = DATA / "santacoder-fim.jsonl"
ASKED = ("--suite", "santacoder-fim", "--data", SANTACODER, "--max-tokens", 8, "--threads", 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights and a FIM format, so that there is a baseline."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_random_model(path, SHAPES["tiny"], synthetic_vocabulary(2000))
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    evaluate.add_parser(parser.add_subparsers())
    args = parser.parse_args(["evaluate", *map(str, arguments)])
    code: int = args.run(args)
    return code


def told(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_all_that_an_evaluation_leaves(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = ("--json", "a.json", "--page", "a.html")
    assert command(*ASKED, "--model", model, "--raw", "--healed-prefix", *outputs) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("santacoder-fim: tiny, prompt format aixcoder, 6 cases")
    assert "prefix-only raw     all" in shown
    assert "served over prefix-only served" in shown
    assert {path.name for path in folder.iterdir()} == {"a.json", "a.html", "santacoder-fim-tiny.jsonl"}

    figures = told("a.json")
    assert {line["run"] for line in figures["lines"]} == {"served", "raw", "prefix-only served", "prefix-only raw"}
    assert [line["n_cases"] for line in figures["lines"] if line["run"] == "raw"] == [2, 2, 2, 6]
    assert {gain["other"] for gain in figures["gains"]} == {"prefix-only served", "prefix-only raw"}
    served = next(line for line in figures["lines"] if line["run"] == "served" and line["group"] == "all")
    assert served["p95_ms"] >= served["p50_ms"] > 0

    page = Path("a.html").read_text(encoding="utf-8")
    for part in ("<svg", "Gain over the prefix-only baseline", "Wrong answers", "model_sha256", "[0.0, "):
        assert part in page


def test_raw_goes_on_where_serving_ends(model: Path) -> None:
    done = run_evaluation(santacoder_fim.SUITE, SANTACODER, str(model), Options(raw=True, max_tokens=24, n_threads=1))
    by_run = {run: {a.case: a for a in done.answers if a.run == run} for run in ("served", "raw")}
    assert by_run["served"].keys() == by_run["raw"].keys()
    for case, raw in by_run["raw"].items():
        assert raw.n_tokens >= by_run["served"][case].n_tokens
        assert raw.text.startswith(by_run["served"][case].text)


def test_run_again_it_is_the_same_and_asks_nothing(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(*ASKED, "--model", model)
    first = capsys.readouterr().out
    monkeypatch.setattr(LlamaEngine, "submit", None)
    assert command(*ASKED, "--model", model) == 0
    assert capsys.readouterr().out == first


def test_a_worker_killed_in_the_middle(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case is asked again, and the answers are those of a quiet run."""
    options = Options(max_tokens=8, n_threads=1)
    quiet = run_evaluation(santacoder_fim.SUITE, SANTACODER, str(model), options, Path("quiet.jsonl"))
    submit, n_submitted = LlamaEngine.submit, []

    def submit_and_kill(engine: LlamaEngine, request: Any) -> Any:
        n_submitted.append(1)
        if len(n_submitted) == 3:
            assert engine.worker_pid
            os.kill(engine.worker_pid, signal.SIGKILL)
        return submit(engine, request)

    monkeypatch.setattr(LlamaEngine, "submit", submit_and_kill)
    killed = run_evaluation(santacoder_fim.SUITE, SANTACODER, str(model), options, Path("killed.jsonl"))
    assert len(n_submitted) > len(quiet.answers)
    assert [(a.case, a.text) for a in killed.answers] == [(a.case, a.text) for a in quiet.answers]


def test_programs_of_a_model_are_run(model: Path) -> None:
    options = Options(max_tokens=4, n_threads=1)
    done = run_evaluation(
        humaneval_infilling.SUITE, DATA / "humaneval-infilling.jsonl", str(model), options, Path("a.jsonl")
    )
    assert {answer.scores["pass@1"] for answer in done.answers} <= {0.0, 1.0}


def test_a_limit_grows_without_asking_again(model: Path) -> None:
    command(*ASKED, "--model", model, "--limit", 1)
    before = Path("santacoder-fim-tiny.jsonl").read_bytes()
    command(*ASKED, "--model", model)
    after = Path("santacoder-fim-tiny.jsonl").read_bytes()
    assert after.startswith(before)
    assert len(after.splitlines()) == 1 + 6


def test_compare(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(*ASKED, "--model", model, "--results", "a.jsonl")
    command(*ASKED, "--model", model, "--results", "b.jsonl", "--max-prompt-tokens", 64)
    capsys.readouterr()
    assert command("--compare", "a.jsonl", "b.jsonl", "--json", "c.json", "--page", "c.html") == 0
    assert "tiny over tiny" in capsys.readouterr().out
    page = Path("c.html").read_text(encoding="utf-8")
    assert "tiny over tiny" in page
    assert "<svg" in page
    assert {each["metric"] for each in told("c.json")} >= {"strict", "first line", "ends by itself"}


def test_check(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert command("--suite", "santacoder-fim", "--data", SANTACODER, "--check") == 0
    shown = capsys.readouterr().out
    assert "santacoder-fim: canonical, 6 cases" in shown
    assert "santacoder-fim: empty, 6 cases" in shown
    assert not list(folder.iterdir())


def test_answers_of_another_model_are_not_mixed(model: Path, tmp_path: Path) -> None:
    command(*ASKED, "--model", model)
    other = tmp_path / "other" / "tiny.gguf"
    other.parent.mkdir()
    write_random_model(other, replace(SHAPES["tiny"], n_layers=1), synthetic_vocabulary(2000))
    with pytest.raises(BadInput, match="holds answers of tiny to santacoder-fim with another model"):
        command(*ASKED, "--model", other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--suite", "mbpp", "--data", SANTACODER, "--model", "x"], BadInput, "there is no suite 'mbpp'"),
        (["--suite", "safim", "--data", SANTACODER, "--model", "x"], BadInput, "line 1: has no field 'task_id'"),
        (["--suite", "safim", "--data", "none.jsonl", "--model", "x"], BadInput, "none.jsonl: cannot be read"),
        ([*ASKED, "--model", "no-such-model"], UnknownModel, "no model is called 'no-such-model'"),
        ([*ASKED, "--model", "none.gguf"], UnknownModel, "no such model file"),
        ([*ASKED, "--model", SANTACODER], ModelError, "GGUF"),
        ([*ASKED, "--model", "{model}", "--lora", "none.gguf"], BadInput, "none.gguf: cannot be read"),
        ([*ASKED, "--model", "{model}", "--json", "nowhere/a.json"], OutputError, "nowhere: no such folder"),
        ([*ASKED, "--model", "{model}", "--results", "nowhere/a.jsonl"], OutputError, "cannot be written"),
        (["--compare", "a.jsonl", "b.jsonl"], BadInput, "a.jsonl: cannot be read"),
        (["--compare", SANTACODER, SANTACODER], BadInput, "holds no answers of `midfill-train evaluate`"),
    ],
)
def test_wrong_input(arguments: list[object], error: type[Exception], message: str, model: Path, folder: Path) -> None:
    with pytest.raises(error, match=message):
        command(*(str(model) if each == "{model}" else each for each in arguments))
    assert not list(folder.iterdir())


def test_an_adapter_that_does_not_fit(model: Path) -> None:
    with pytest.raises(ModelError):
        command(*ASKED, "--model", model, "--lora", SANTACODER)
    assert read_results(Path("santacoder-fim-tiny.jsonl"))[1] == []


@pytest.mark.parametrize("arguments", [[], ["--suite", "safim"], ["--suite", "safim", "--data", "a.jsonl"]])
def test_what_is_missing_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(*arguments) == 2
    assert "evaluate needs --" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--limit", "-1"], ["--max-tokens", "x"]])
def test_numbers_are_checked(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        command(*ASKED, "--model", "x", *arguments)
