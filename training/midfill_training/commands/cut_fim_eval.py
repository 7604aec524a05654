"""`midfill-train cut-fim-eval`: a FIM-Eval set out of any repositories."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import whole_number

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.evaluation.cutting import CutSet


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train cut-fim-eval`."""
    parser = subparsers.add_parser("cut-fim-eval", help="cut a FIM-Eval set, 13 kinds of holes, out of repositories")
    parser.add_argument("sources", type=Path, nargs="+", metavar="FOLDER", help="folders with code, or a corpus")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.jsonl[.gz]")
    parser.add_argument("--languages", nargs="+", metavar="ID", help="default: all seven that the set is cut in")
    parser.add_argument("--per-scenario", type=whole_number(1), metavar="N", help="default: as many as the paper has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.evaluation.cutting import LANGUAGES, CutSettings, cut_set, wanted_languages, write_set
    from midfill_training.output import check_output

    languages = wanted_languages(args.languages) if args.languages else LANGUAGES
    check_output(args.output, force=args.force)
    done = cut_set(args.sources, CutSettings(languages, args.per_scenario, args.seed))
    write_set(args.output, done.rows)
    _print(args.output, done)
    return 0


def _print(path: Path, done: CutSet) -> None:
    from midfill_training.evaluation.scenarios import SCENARIOS
    from midfill_training.report.page import Table, table_lines

    languages = list(dict.fromkeys(language for language, _ in done.counts))
    rows = [(scenario, *(done.counts.get((each, scenario), 0) for each in languages)) for scenario in SCENARIOS]
    print(*table_lines(Table(("scenario", *languages), rows)), sep="\n")
    print(f"{path} written: {len(done.rows):,} cases")
