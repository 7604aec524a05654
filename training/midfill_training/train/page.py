"""The report of a run: its curves, and the figures of each evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from midfill_training.report.page import Section, Table, settings_table, write_page
from midfill_training.train.journal import read_journal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Line = Mapping[str, Any]

N_AVERAGED = 10  # of a small batch: the loss of one says little


def write_report(run: Path, stage: str, settings: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
    """Write `report.html` into the folder of a run, from its log."""
    lines = read_journal(run)
    steps = [line for line in lines if "loss" in line]
    evaluations = [line for line in lines if "valid_loss" in line]
    sections = [
        Section("Result", [settings_table(counts)]),
        Section("Loss", [_curves(steps, evaluations)]),
        Section("Evaluations", [evaluations_table(evaluations)]),
        Section("Speed and learning rate", [_speed(steps, counts["parameters"]), _rates(steps)]),
        *(Section(f"Settings: {name}", [settings_table(table)]) for name, table in settings.items()),
    ]
    write_page(run / "report.html", f"midfill-train {stage}: {run.name}", sections)


def compare(runs: Mapping[str, Sequence[Line]]) -> Figure:
    """The training loss of several runs by their journals, each a running mean, and dots for what valid rows lose."""
    figure, axes = _axes("tokens", "loss (nats a token)")
    for name, lines in runs.items():
        steps = [line for line in lines if "loss" in line]
        losses = _column(steps, "loss")
        means = [fmean(losses[max(0, at - N_AVERAGED) : at]) for at in range(1, len(losses) + 1)]
        (curve,) = axes.plot(_column(steps, "tokens"), means, linewidth=1, label=name)
        evaluations = [line for line in lines if "valid_loss" in line]
        axes.plot(_column(evaluations, "tokens"), _column(evaluations, "valid_loss"), "o", color=curve.get_color())
    axes.legend()
    return figure


def _curves(steps: Sequence[Line], evaluations: Sequence[Line]) -> Figure:
    figure, axes = _axes("tokens", "loss (nats a token)")
    axes.plot(_column(steps, "tokens"), _column(steps, "loss"), linewidth=0.8, label="training")
    for name in sorted({name for line in evaluations for name in line["valid"]}):
        found = [line for line in evaluations if name in line["valid"]]
        axes.plot(_column(found, "tokens"), [line["valid"][name] for line in found], marker=".", label=f"valid {name}")
    axes.legend()
    return figure


def _rates(steps: Sequence[Line]) -> Figure:
    figure, axes = _axes("tokens", "learning rate")
    axes.plot(_column(steps, "tokens"), _column(steps, "lr"))
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure, axes


def evaluations_table(evaluations: Sequence[Line]) -> Table:
    """A row each: what the model made of valid rows, and of middles."""
    names = sorted({name for line in evaluations for name in line["valid"]})
    columns = ("step", "loss", *(f"perplexity {name}" for name in names), "exact match", "middles")
    rows = [
        (
            line["step"],
            line["valid_loss"],
            *(line["perplexity"].get(name, "") for name in names),
            line.get("exact_match", ""),
            line.get("n_middles", ""),
        )
        for line in evaluations
    ]
    return Table(columns, rows)


def _speed(steps: Sequence[Line], n_parameters: int) -> str:
    if not steps:
        return "No step was logged."
    speeds = sorted(_column(steps, "tokens_per_s"))
    median = speeds[len(speeds) // 2]
    return (
        f"Median {median:,.0f} tokens/s, which is {6 * n_parameters * median / 1e12:,.3g} TFLOP/s at 6 operations a "
        "weight and token, attention not counted."
    )


def _column(lines: Sequence[Line], name: str) -> list[float]:
    return [line[name] for line in lines]
