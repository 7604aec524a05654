"""What a benchmark brings: the shape of its rows, how a row becomes a case and how an answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from midfill_training.evaluation.cases import Case, Row

# Scores of one answer by metric, each from 0 to 1; a metric that does not apply to the case is left out.
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Suite:
    """A benchmark. `metrics` are all that `judge` may give, the first one leads in plots and comparisons.

    `judge` takes the case and the text that was put into its hole. With `asks_without_suffix` the prefix-only prompt is
    one of its published protocols and always run.
    """

    name: str
    fields: tuple[str, ...]
    max_tokens: int
    metrics: tuple[str, ...]
    case_of: Callable[[Row], Case]
    judge: Callable[[Case, str], Scores]
    asks_without_suffix: bool = False
