"""One evaluation: the cases of a file, a model, the runs that were asked for, and what came of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_model.local.wire import EngineOptions
from midfill_training.evaluation.answering import LoadingEngine, answer_cases
from midfill_training.evaluation.cases import Case, choose_cases, read_cases
from midfill_training.evaluation.comparison import Difference, compare_runs
from midfill_training.evaluation.models import judged_model
from midfill_training.evaluation.reference import ReferenceEngine
from midfill_training.evaluation.results import Answer, Origin, Results
from midfill_training.evaluation.runs import Run, baselines, plan_runs
from midfill_training.evaluation.suite import Suite
from midfill_training.evaluation.summary import Line, summarise
from midfill_training.report.manifest import sha256


@dataclass(frozen=True)
class Options:
    """What is asked of a model. `max_tokens` 0 is the suite's own budget, `limit` counts cases of each group."""

    limit: int | None = None
    raw: bool = False
    baseline: bool = False
    max_tokens: int = 0
    max_prompt_tokens: int = EngineOptions.max_prompt_tokens
    n_threads: int = 0
    lora: Path | None = None


@dataclass(frozen=True)
class Evaluated:
    """Answers with what they amount to; `gains` are those over the baseline, where it was run."""

    origin: Origin
    cases: Sequence[Case]
    answers: Sequence[Answer]
    lines: Sequence[Line]
    gains: Sequence[Difference]


def evaluate(suite: Suite, data: Path, model: str, options: Options, results: Path | None = None) -> Evaluated:
    """Ask a model what `results` do not hold yet. Without a path they are `SUITE-MODEL.jsonl` in the current folder.

    Raises BadInput, OutputError and the ModelErrors of a model that cannot be had or served.
    """
    cases = choose_cases(read_cases(data, suite.fields, suite.case_of), options.limit)
    judged = judged_model(model, options.lora)
    runs = plan_runs(suite, cases, has_fim=judged.has_fim, raw=options.raw, baseline=options.baseline)
    max_tokens = options.max_tokens or suite.max_tokens
    origin = Origin(
        suite=suite.name,
        data_sha256=sha256(data),
        model=judged.name,
        model_sha256=sha256(judged.path),
        prompt_format=judged.prompt_format,
        max_tokens=max_tokens,
        max_prompt_tokens=options.max_prompt_tokens,
        lora_sha256=sha256(options.lora) if options.lora else "",
    )

    def open_engine(is_baseline: bool) -> LoadingEngine:
        return judged.open_engine(
            is_baseline=is_baseline,
            max_tokens=max_tokens,
            max_prompt_tokens=options.max_prompt_tokens,
            n_threads=options.n_threads,
        )

    with Results(results or results_path(suite, judged.name), origin) as kept:
        answer_cases(suite, cases, runs, kept, max_tokens, open_engine)
        return _evaluated(origin, cases, runs, kept)


def check(suite: Suite, data: Path, limit: int | None = None) -> list[Evaluated]:
    """The suite with an engine that knows all answers, then with one that says nothing. Keeps no results."""
    cases = choose_cases(read_cases(data, suite.fields, suite.case_of), limit)
    runs = plan_runs(suite, cases, has_fim=False, raw=True, baseline=False)
    found = []
    for is_empty in (False, True):
        engine = ReferenceEngine(cases, runs, is_empty=is_empty)
        origin = Origin(suite.name, sha256(data), engine.status.model, "", "", 0, 0)
        with tempfile.TemporaryDirectory() as folder, Results(Path(folder, "results.jsonl"), origin) as kept:
            answer_cases(suite, cases, runs, kept, 0, lambda _, engine=engine: engine)  # type: ignore[misc]
            found.append(_evaluated(origin, cases, runs, kept))
    return found


def results_path(suite: Suite, model: str) -> Path:
    """Where answers go when nothing else is said."""
    return Path(f"{suite.name}-{model}.jsonl")


def _evaluated(origin: Origin, cases: Sequence[Case], runs: list[Run], kept: Results) -> Evaluated:
    ids = [case.id for case in cases]
    answers = kept.of(ids, [run.name for run in runs])
    gains = [
        difference
        for run, baseline in baselines(runs)
        for difference in compare_runs(kept.of(ids, [run.name]), kept.of(ids, [baseline.name]))
    ]
    return Evaluated(origin, cases, answers, summarise(answers), gains)
