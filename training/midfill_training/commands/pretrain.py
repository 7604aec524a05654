"""`midfill-train pretrain`: rows of tokens become a model."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_training.commands.arguments import add_json, add_settings, read_table

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.train.run import Request, Result


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train pretrain`."""
    parser = subparsers.add_parser("pretrain", help="train a model on packed rows; goes on where it was stopped")
    add_run_arguments(parser)
    parser.add_argument("--from", dest="start", type=Path, metavar="MODEL", help="a checkpoint folder or a GGUF")
    parser.set_defaults(run=run)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What every kind of training takes."""
    parser.add_argument("rows", type=Path, help="folder with train/, and valid/ and fim/ to evaluate on")
    parser.add_argument("--valid", type=Path, metavar="ROWS", help="a folder whose valid/ and fim/ to evaluate on")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="the tokenizer that the rows were made with")
    parser.add_argument("--minutes", type=float, help="be done after this time; the learning rate is planned on it")
    parser.add_argument("--steps", type=int, help="how many steps; by default one pass over the rows")
    parser.add_argument("--threads", type=int, help="threads of torch on a CPU")
    add_settings(parser, "model", "training", "machine", "lora")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say; 128 plus its number when a signal stopped it."""
    from midfill_training.train.run import train
    from midfill_training.train.settings import Training

    return report(args, train(request(args, "pretrain", Training)))


def request(args: argparse.Namespace, stage: str, training: type[Any], *, with_lora: bool = False) -> Request:
    """The arguments and the settings file as one request; BadInput for a setting that does not exist."""
    from midfill_training.train.run import Request
    from midfill_training.train.settings import Lora, Machine
    from midfill_training.train.shapes import ModelShape

    kinds: dict[str, type[Any]] = {"model": ModelShape, "training": training, "machine": Machine, "lora": Lora}
    found = {table: read_table(args, table, kind) for table, kind in kinds.items()}
    short = {name: value for name in ("minutes", "steps") if (value := getattr(args, name)) is not None}
    if args.threads is not None:
        found["machine"] = replace(found["machine"], threads=args.threads)
    return Request(
        stage=stage,
        rows=args.rows,
        output=args.output,
        start=args.start,
        tokenizer=args.tokenizer,
        shape=found["model"],
        training=replace(found["training"], **short),
        machine=found["machine"],
        lora=found["lora"] if with_lora else None,
        valid=args.valid,
    )


def report(args: argparse.Namespace, result: Result) -> int:
    """Tell how a run ended, once for all processes; the exit code."""
    import os

    from midfill_training.report.page import table_lines
    from midfill_training.train.journal import before_and_after
    from midfill_training.train.page import evaluations_table

    code = 128 + result.stopped_by if result.stopped_by else 0
    if os.environ.get("RANK", "0") != "0":
        return code
    if args.json:
        told = {"folder": str(result.folder) if result.folder else None, **asdict(result.state)}
        print(json.dumps(told, indent=2))
    elif result.folder is None:
        print(
            f"midfill-train: stopped at step {result.state.step:,}; the same command goes on from there",
            file=sys.stderr,
        )
    else:
        print(f"{result.folder} written after {result.state.step:,} steps; see {args.output / 'report.html'}")
        if evaluations := before_and_after(args.output):
            print(*table_lines(evaluations_table(evaluations)), sep="\n")
    return code
