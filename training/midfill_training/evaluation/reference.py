"""Engines that know the answers, or none: what a harness is right by."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from midfill_model.engine import Completion, CompletionRequest, EngineState, EngineStatus, StopReason, TextListener
from midfill_training.evaluation.cases import Case
from midfill_training.evaluation.runs import Run


class ReferenceEngine:
    """Answers each case as its reference does, or always with nothing (`Engine`)."""

    def __init__(self, cases: Sequence[Case], runs: Sequence[Run], *, is_empty: bool = False) -> None:
        self.status = EngineStatus(EngineState.READY, "empty" if is_empty else "canonical")
        self._texts = {
            (run.request(case, 0).cursor, run.ending): "" if is_empty else _written(case, run)
            for case in cases
            for run in runs
        }

    def wait_until_loaded(self, timeout_s: float | None = None) -> EngineStatus:
        """It is."""
        return self.status

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        """See `Engine.submit`; the answer comes in one piece."""
        future: Future[Completion] = Future()
        future.set_result(Completion(self._texts[request.cursor, request.ending], StopReason.END_OF_TEXT))
        return future

    def close(self) -> None:
        """See `Engine.close`."""


def _written(case: Case, run: Run) -> str:
    """The reference, less what the harness puts there itself."""
    bare = case.reference.removesuffix("\n")
    return bare if run.filled(case, bare) == case.reference else case.reference
