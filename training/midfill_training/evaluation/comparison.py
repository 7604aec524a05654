"""Two runs over the same cases: by how much one is better, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from midfill_training.errors import BadInput
from midfill_training.evaluation.intervals import Estimate, estimate_ratio
from midfill_training.evaluation.results import Answer, Origin
from midfill_training.evaluation.summary import by_group


@dataclass(frozen=True)
class Difference:
    """How far `run` is above `other` in a metric, over the cases that both answered."""

    run: str
    other: str
    group: str
    metric: str
    gain: Estimate
    n_wins: int
    n_losses: int


def compare_runs(answers: Sequence[Answer], others: Sequence[Answer]) -> list[Difference]:
    """The differences between one run's answers and another's, by group and metric. Empty with no case in common."""
    by_case = {other.case: other for other in others}
    common = [answer for answer in answers if answer.case in by_case]
    differences = []
    for group, members in by_group(common):
        for metric in dict.fromkeys(metric for answer in members for metric in answer.scores):
            pairs = [(answer, by_case[answer.case]) for answer in members]
            pairs = [(one, other) for one, other in pairs if metric in one.scores and metric in other.scores]
            if pairs:
                differences.append(_difference(group, metric, pairs))
    return differences


def _difference(group: str, metric: str, pairs: Sequence[tuple[Answer, Answer]]) -> Difference:
    gains = [one.scores[metric] - other.scores[metric] for one, other in pairs]
    one, other = pairs[0]
    return Difference(
        run=one.run,
        other=other.run,
        group=group,
        metric=metric,
        gain=estimate_ratio(gains, [1.0] * len(gains), [answer.cluster for answer, _ in pairs]),
        n_wins=sum(gain > 0 for gain in gains),
        n_losses=sum(gain < 0 for gain in gains),
    )


def compare_results(one: tuple[Origin, Sequence[Answer]], other: tuple[Origin, Sequence[Answer]]) -> list[Difference]:
    """Two files of answers, run by run. Raises BadInput when they answer other cases or share no run."""
    (origin, answers), (other_origin, other_answers) = one, other
    if (origin.suite, origin.data_sha256) != (other_origin.suite, other_origin.data_sha256):
        raise BadInput(
            f"{origin.model} answered {origin.suite} and {other_origin.model} {other_origin.suite}, or of another data "
            "file; compare answers to the same cases"
        )
    found = [
        difference
        for run in dict.fromkeys(answer.run for answer in answers)
        for difference in compare_runs(
            [answer for answer in answers if answer.run == run],
            [answer for answer in other_answers if answer.run == run],
        )
    ]
    if not found:
        raise BadInput(f"{origin.model} and {other_origin.model} have no case in common that was asked in the same way")
    return found
