"""What a run of an evaluation amounts to, for each group of cases and for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from midfill_training.evaluation.intervals import Estimate, estimate_ratio, estimate_share
from midfill_training.evaluation.results import Answer

ALL = "all"


@dataclass(frozen=True)
class Line:
    """One run over one group. Shares are from 0 to 1, lengths in characters, times in milliseconds.

    `length_ratio` is of the sums, and None where all references are empty.
    Only times of serving mean something: a raw run finds its prompt read by the one before.
    """

    run: str
    group: str
    n_cases: int
    shares: Mapping[str, Estimate]
    length_ratio: Estimate | None
    mean_chars: float
    mean_reference_chars: float
    p50_ms: float
    p95_ms: float


def summarise(answers: Sequence[Answer]) -> list[Line]:
    """A line for each run and group, in their order among the answers, and one over all groups of a run."""
    return [
        _line(run, group, members)
        for run in dict.fromkeys(answer.run for answer in answers)
        for group, members in by_group([answer for answer in answers if answer.run == run])
    ]


def by_group(answers: Sequence[Answer]) -> Iterator[tuple[str, list[Answer]]]:
    """The groups of a run, then all of it where that is more than one."""
    groups = dict.fromkeys(answer.group for answer in answers)
    for group in groups:
        yield group, [answer for answer in answers if answer.group == group]
    if len(groups) > 1:
        yield ALL, list(answers)


def _line(run: str, group: str, answers: Sequence[Answer]) -> Line:
    import numpy as np

    metrics = dict.fromkeys(metric for answer in answers for metric in answer.scores)
    lengths = [float(answer.n_chars) for answer in answers]
    references = [float(answer.n_reference_chars) for answer in answers]
    p50, p95 = np.quantile([answer.prompt_ms + answer.decode_ms for answer in answers], (0.5, 0.95))
    return Line(
        run=run,
        group=group,
        n_cases=len(answers),
        shares={metric: _share(metric, answers) for metric in metrics},
        length_ratio=_ratio(lengths, references, [answer.cluster for answer in answers]),
        mean_chars=sum(lengths) / len(answers),
        mean_reference_chars=sum(references) / len(answers),
        p50_ms=float(p50),
        p95_ms=float(p95),
    )


def _share(metric: str, answers: Sequence[Answer]) -> Estimate:
    scored = [answer for answer in answers if metric in answer.scores]
    return estimate_share([answer.scores[metric] for answer in scored], [answer.cluster for answer in scored])


def _ratio(lengths: Sequence[float], references: Sequence[float], clusters: Sequence[str]) -> Estimate | None:
    return estimate_ratio(lengths, references, clusters) if any(references) else None
