"""Asks an engine every case in every run, judges what it writes and keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from midfill_model.engine import Completion, CompletionRequest, Engine, EngineState, EngineStatus, StopReason
from midfill_model.errors import EngineError
from midfill_training.evaluation.cases import Case
from midfill_training.evaluation.results import Answer, Results
from midfill_training.evaluation.runs import Run
from midfill_training.evaluation.suite import Suite

MAX_TRIES = 3
ENDS = "ends by itself"

_NOT_ENDED = frozenset({StopReason.MAX_TOKENS, StopReason.DEADLINE, StopReason.NOTHING_TO_CONTINUE})
_NO_ANSWER = frozenset({StopReason.ENGINE_FAILED, StopReason.LOADING, StopReason.CANCELLED, StopReason.SUPERSEDED})


class LoadingEngine(Engine, Protocol):
    """An engine that can be waited for."""

    def wait_until_loaded(self, timeout_s: float | None = None) -> EngineStatus: ...


def answer_cases(
    suite: Suite,
    cases: Sequence[Case],
    runs: Sequence[Run],
    results: Results,
    max_tokens: int,
    open_engine: Callable[[bool], LoadingEngine],
) -> None:
    """Answer what `results` do not hold yet. `open_engine` takes whether it is the baseline's; one is open at a time.

    Raises EngineError when the model cannot be had, or its process keeps dying on one case.
    """
    from tqdm import tqdm

    for is_baseline, alike in groupby(runs, key=lambda run: run.is_baseline):
        asked = list(alike)
        missing = [(case, run) for case in cases for run in asked if (case.id, run.name) not in results]
        if not missing:
            continue
        engine = open_engine(is_baseline)
        try:
            for case, run in tqdm(missing, desc=suite.name, unit="answer", disable=None):
                completion = ask(engine, run.request(case, max_tokens))
                results.add(judged(suite, case, run, completion))
        finally:
            engine.close()


def ask(engine: LoadingEngine, request: CompletionRequest) -> Completion:
    """The engine's completion; a worker that dies is given another try."""
    for _ in range(MAX_TRIES):
        status = engine.wait_until_loaded()
        if status.state is EngineState.ERROR:
            raise EngineError(status.reason)
        completion = engine.submit(request).result()
        if completion.stop_reason not in _NO_ANSWER:
            return completion
    reason = engine.status.reason or completion.stop_reason.value
    raise EngineError(
        f"the model process ended {MAX_TRIES} times at one case ({reason}). What was answered is kept; run again to "
        "go on"
    )


def judged(suite: Suite, case: Case, run: Run, completion: Completion) -> Answer:
    """The answer with its scores."""
    filled = run.filled(case, completion.text)
    return Answer(
        case=case.id,
        run=run.name,
        group=case.group,
        cluster=case.cluster,
        text=completion.text,
        stop_reason=completion.stop_reason.value,
        n_chars=len(filled.strip()),
        n_reference_chars=len(case.reference.strip()),
        n_tokens=completion.timings.n_completion_tokens,
        prompt_ms=round(completion.timings.prompt_ms, 1),
        decode_ms=round(completion.timings.decode_ms, 1),
        scores={**suite.judge(case, filled), ENDS: float(completion.stop_reason not in _NOT_ENDED)},
    )
