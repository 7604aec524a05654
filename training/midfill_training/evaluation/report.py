"""What an evaluation shows: tables for the terminal and the page, a plot with intervals, wrong answers to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.evaluation.cases import Case
from midfill_training.evaluation.comparison import Difference
from midfill_training.evaluation.evaluation import Evaluated
from midfill_training.evaluation.intervals import Estimate
from midfill_training.evaluation.results import Answer, Origin
from midfill_training.evaluation.summary import Line
from midfill_training.report.page import Sample, Section, Table, settings_table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_SAMPLES = 5
N_LINES_BEFORE = 8
INTERVALS = "95 % bootstrap intervals over whole problems, files or repositories; lengths are characters."
_MARKERS = "os^Dv<>p"


def results_table(lines: Sequence[Line]) -> Table:
    """A row for each run and group; shares in per cent with their 95 % intervals."""
    metrics = list(dict.fromkeys(metric for line in lines for metric in line.shares))
    return Table(
        ("run", "group", "cases", *metrics, "length", "p50 / p95 ms"),
        [
            (
                line.run,
                line.group,
                line.n_cases,
                *(_share(line.shares.get(metric), line.n_cases) for metric in metrics),
                _length(line),
                f"{line.p50_ms:.0f} / {line.p95_ms:.0f}" if "served" in line.run else "",
            )
            for line in lines
        ],
    )


def differences_table(differences: Sequence[Difference], one: str = "", other: str = "") -> Table:
    """A row for each run, group and metric: points gained, and the cases that became right or wrong."""
    return Table(
        ("run", "group", "metric", f"{one} over {other}" if one else "gain", "cases", "wins", "losses"),
        [
            (
                each.run if each.run == each.other else f"{each.run} over {each.other}",
                each.group,
                each.metric,
                _points(each.gain),
                each.gain.n_cases,
                each.n_wins,
                each.n_losses,
            )
            for each in differences
        ],
    )


def write_report(path: Path, done: Evaluated, metric: str) -> None:
    """The page of an evaluation; `metric` is what the plot shows. Raises OutputError."""
    points = [(line.run, line.group, line.shares[metric]) for line in done.lines if metric in line.shares]
    sections = [
        Section("Results", [INTERVALS, results_table(done.lines), plot(points, metric)]),
        *([Section("Gain over the prefix-only baseline", [differences_table(done.gains)])] if done.gains else ()),
        Section("Wrong answers", _samples(done, metric)),
        Section("Settings", [settings_table(asdict(done.origin))]),
    ]
    write_page(path, f"{done.origin.suite}: {done.origin.model}", sections)


def write_comparison(path: Path, one: Origin, other: Origin, found: Sequence[Difference]) -> None:
    """The page of a comparison; the plot shows its first metric. Raises OutputError."""
    metric = found[0].metric
    points = [(each.run, each.group, each.gain) for each in found if each.metric == metric]
    sections = [
        Section(
            "Gain", [INTERVALS, differences_table(found, one.model, other.model), plot(points, f"gain in {metric}")]
        ),
        *(Section(origin.model, [settings_table(asdict(origin))]) for origin in (one, other)),
    ]
    write_page(path, f"{one.suite}: {one.model} over {other.model}", sections)


def plot(points: Sequence[tuple[str, str, Estimate]], label: str) -> Figure:
    """Figures in per cent with their intervals: a row for each group, a mark for each run."""
    from matplotlib.figure import Figure

    runs, groups = (list(dict.fromkeys(point[part] for point in points)) for part in (0, 1))
    figure = Figure(figsize=(8, 1.2 + 0.3 * len(groups) * max(len(runs), 1)), layout="constrained")
    axes = figure.add_subplot()
    for number, run in enumerate(runs):
        of_run = [(groups.index(str(group)), found) for name, group, found in points if name == run]
        axes.errorbar(
            [100 * found.value for _, found in of_run],
            [row + 0.7 * (number + 0.5) / len(runs) - 0.35 for row, _ in of_run],
            xerr=[
                [100 * max(found.value - found.low, 0) for _, found in of_run],
                [100 * max(found.high - found.value, 0) for _, found in of_run],
            ],
            fmt=_MARKERS[number % len(_MARKERS)],
            capsize=3,
            label=run,
        )
    axes.set(xlabel=f"{label}, %", yticks=range(len(groups)), yticklabels=groups)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper right", ncols=4)
    return figure


def _samples(done: Evaluated, metric: str) -> list[Sample]:
    """The first wrong answers of each run."""
    cases = {case.id: case for case in done.cases}
    runs = dict.fromkeys(answer.run for answer in done.answers)
    wrong = [answer for answer in done.answers if not answer.scores.get(metric, 1)]
    first = (answer for run in runs for answer in [each for each in wrong if each.run == run][:N_SAMPLES])
    return [_sample(answer, cases[answer.case]) for answer in first]


def _sample(answer: Answer, case: Case) -> Sample:
    place = "\n".join(case.cursor.prefix.split("\n")[-N_LINES_BEFORE:])
    text = f"{place}⟦{answer.text}⟧\n\nright:\n{case.reference}"
    return Sample(f"{answer.run}, {answer.case}: {answer.stop_reason}", text)


def _share(found: Estimate | None, n_cases: int) -> str:
    if found is None:
        return ""
    n_scored = "" if found.n_cases == n_cases else f" of {found.n_cases}"
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]{n_scored}"


def _points(found: Estimate) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _length(line: Line) -> str:
    found = line.length_ratio
    ratio = f" = {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]" if found else ""
    return f"{line.mean_chars:.0f}:{line.mean_reference_chars:.0f}{ratio}"
