"""The ways in which every case of an evaluation is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from midfill_model.engine import CompletionRequest, Ending, Limits
from midfill_training.evaluation.cases import Case
from midfill_training.evaluation.suite import Suite

BASELINE = "prefix-only"


@dataclass(frozen=True)
class Run:
    """One way of asking. The baseline is the same model without its FIM format, its prompt healed like any other."""

    ending: Ending = Ending.STRUCTURE
    is_baseline: bool = False
    has_snippets: bool = False

    @property
    def name(self) -> str:
        """As tables, plots and results have it."""
        words = (BASELINE if self.is_baseline else "", "raw" if self.ending is Ending.RAW else "served")
        return " ".join(filter(None, words)) + (" + chunks" if self.has_snippets else "")

    def request(self, case: Case, max_tokens: int) -> CompletionRequest:
        """What the engine is asked."""
        cursor = case.cursor
        if self._is_in_editor(case):
            cursor = replace(cursor, suffix="\n" + cursor.suffix)
        snippets = case.snippets if self.has_snippets else ()
        return CompletionRequest(cursor, snippets, limits=Limits(max_tokens), ending=self.ending)

    def filled(self, case: Case, text: str) -> str:
        """What stands in the hole once `text` was inserted."""
        return text + "\n" if self._is_in_editor(case) and not text.endswith("\n") else text

    def _is_in_editor(self, case: Case) -> bool:
        """Whether there is an empty line where the hole is, whose line end nobody has to write."""
        return case.is_whole_lines and self.ending is not Ending.RAW


def plan_runs(suite: Suite, cases: Sequence[Case], *, has_fim: bool, raw: bool, baseline: bool) -> list[Run]:
    """The runs of an evaluation. A model without a FIM format is its own baseline.

    Cases that bring chunks of other files are asked with and without them. Serving comes before raw, so that its times
    include the reading of the prompt.
    """
    endings = (Ending.STRUCTURE, Ending.RAW) if raw else (Ending.STRUCTURE,)
    prompts = (False, True) if has_fim and (baseline or suite.asks_without_suffix) else (False,)
    snippets = (False, True) if any(case.snippets for case in cases) else (False,)
    return [Run(ending, prompt, chunks) for prompt, chunks, ending in product(prompts, snippets, endings)]


def baselines(runs: list[Run]) -> Iterator[tuple[Run, Run]]:
    """The runs with what they are compared with: the baseline that was asked in the same way."""
    for run in runs:
        baseline = replace(run, is_baseline=True)
        if run != baseline and baseline in runs:
            yield run, baseline
