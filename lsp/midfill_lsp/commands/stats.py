"""`midfill stats`: what became of the suggestions on this machine, by week, language and model. Nothing is sent."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers
    from midfill_lsp.outcomes.figures import Row

_HEAD = ("week", "language", "model", "shown", "accepted", "characters", "kept 30 s/2 min/5 min", "wait", "reused")


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill stats`."""
    parser = subparsers.add_parser("stats", help="what became of suggestions; counted here, sent nowhere")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the statistics."""
    from midfill_lsp.outcomes.figures import FiguresError, read_figures
    from midfill_lsp.outcomes.statistics import statistics_path

    try:
        rows = read_figures(statistics_path())
    except FiguresError as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    elif rows:
        _print_table([_HEAD, *map(_cells, rows)])
    else:
        print("nothing is counted yet")
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    kept = "/".join(_percent(share) for share in (row.kept_30s, row.kept_120s, row.kept_300s))
    waits = "–" if row.wait_p50_ms is None else f"p50 {row.wait_p50_ms} ms, p95 {row.wait_p95_ms} ms"
    how = f"{row.n_accepted_whole} whole, {row.n_accepted_line} lines, {row.n_accepted_word} words"
    characters = str(row.accepted_characters)
    place = (row.week, row.language, row.model)
    return (*place, str(row.n_shown), f"{row.n_accepted} ({how})", characters, kept, waits, _percent(row.reused))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
