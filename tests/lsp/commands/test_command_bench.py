"""`midfill bench`: the benchmarks run, on the real model, and their figures hang together."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from pathlib import Path

import pytest

from commands import MIDFILL, MIDFILL_TRAIN, run
from midfill_lsp.commands.bench import BENCHMARKS, Benchmark


def test_typing_measures_a_session(smollm2: Path) -> None:
    done = run(MIDFILL, "bench", "typing", "--model", str(smollm2), "--keystrokes", "6", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["n_keystrokes"] == 6
    assert 0.9 < result["reused"] <= 1.0, "the prompt's beginning stays, or the suggestion was known"
    assert 0 < result["wait_p50_ms"] <= result["wait_p95_ms"] < result["first_wait_ms"]
    assert 0 <= result["cancels"]["p50_ms"] <= result["cancels"]["p95_ms"]
    assert 0 <= result["cancels"]["stolen"] <= 1


@pytest.mark.parametrize("arguments", [["--keystrokes", "2"], ["--file", "nowhere.py"], ["--model", "smol"]])
def test_typing_says_what_is_wrong(arguments: list[str]) -> None:
    done = run(MIDFILL, "bench", "typing", *arguments)
    assert done.returncode in (1, 2)
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_random_model_is_one_that_can_be_served(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    assert run(MIDFILL, "bench", "make-random", "--shape", "tiny", "--type", "f16", str(path)).returncode == 0
    inspected = run(MIDFILL_TRAIN, "inspect", str(path), "--json")
    assert json.loads(inspected.stdout)["prompt_format"] == "aixcoder"


def test_random_model_where_nothing_can_be_written() -> None:
    done = run(MIDFILL, "bench", "make-random", "--shape", "tiny", "/nowhere/tiny.gguf")
    assert done.returncode == 1
    assert "cannot write /nowhere/tiny.gguf" in done.stderr


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_the_command_line_gives_each_benchmark_what_it_takes(benchmark: Benchmark) -> None:
    module = import_module(f"midfill_lsp.bench.{benchmark.module}")
    taken = inspect.signature(module.run).parameters
    given = {argument.options.get("dest") or argument.flag.lstrip("-") for argument in benchmark.arguments}
    assert given | {"progress"} <= set(taken)
    assert {name for name, taken_by in taken.items() if taken_by.default is taken_by.empty} <= given | {"progress"}
    assert callable(module.render)
