"""`midfill-train runs`: training runs beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train runs`."""
    parser = subparsers.add_parser("runs", help="the best evaluation of each of several training runs, as a table")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a folder that pretrain or finetune made")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw their losses as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say. They compare where the runs were evaluated on the same rows."""
    from midfill_training.errors import BadInput
    from midfill_training.report.page import Table, table_lines, write_plot
    from midfill_training.train.journal import before_and_after, read_journal
    from midfill_training.train.page import compare, evaluations_table

    found = {path: before_and_after(path) for path in args.runs}
    without = next((path for path, evaluations in found.items() if not evaluations), None)
    if without is not None:
        raise BadInput(f"{without}: holds no evaluation of a run; it needs rows with valid/")
    table = evaluations_table([evaluations[-1] for evaluations in found.values()])
    rows = [(path.name, *row) for path, row in zip(found, table.rows, strict=True)]
    print(*table_lines(Table(("run", *table.columns), rows)), sep="\n")
    if args.plot:
        write_plot(args.plot, compare({path.name: read_journal(path) for path in args.runs}))
    return 0
