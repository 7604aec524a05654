"""`midfill-train restore`: a GGUF becomes a checkpoint that transformers can load."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train restore`."""
    parser = subparsers.add_parser("restore", help="write a GGUF as a Hugging Face checkpoint")
    parser.add_argument("gguf", type=Path, metavar="FILE.gguf")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="must not exist yet")
    parser.add_argument("--dtype", choices=["f16", "bf16", "f32"], default="f16", help="default f16")
    parser.add_argument(
        "--rename",
        type=_two_pieces,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="give a special token another name, to make markers of unused ones; may be repeated",
    )
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="copy the tokenizer from here")
    add_json(parser)
    parser.set_defaults(run=run)


def _two_pieces(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    if not old or not new:
        raise argparse.ArgumentTypeError("two pieces with = between them, e.g. '<gh_stars>=<fim_prefix>'")
    return old, new


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.export.restore import restore

    if args.rename and args.tokenizer:
        print("midfill-train: --rename is for the GGUF's own tokenizer; leave --tokenizer out", file=sys.stderr)
        return 2
    done = restore(args.gguf, args.output, dtype=args.dtype, tokenizer=args.tokenizer, renames=args.rename)
    if args.json:
        print(json.dumps(asdict(done), indent=2, default=str))
    else:
        print(f"{done.folder}: {done.architecture}, {done.n_tensors} tensors as {done.dtype} (from {done.was})")
    return 0
