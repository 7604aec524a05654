"""`midfill-train finetune`: a model learns a user's own code, whole or as a LoRA adapter."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.pretrain import add_run_arguments, report, request

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train finetune`."""
    parser = subparsers.add_parser("finetune", help="train a model further on packed rows of your own code")
    add_run_arguments(parser)
    parser.add_argument(
        "--from", dest="start", type=Path, required=True, metavar="MODEL", help="a checkpoint folder or a GGUF"
    )
    parser.add_argument("--lora", action="store_true", help="train a LoRA adapter and leave the model as it is")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say; 128 plus its number when a signal stopped it."""
    from midfill_training.train.run import train
    from midfill_training.train.settings import FineTuning, LoraTuning

    kind = LoraTuning if args.lora else FineTuning
    return report(args, train(request(args, "finetune", kind, with_lora=args.lora)))
