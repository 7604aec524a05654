"""`midfill-train restore`: a GGUF becomes a checkpoint that transformers can load."""

from __future__ import annotations

import argparse
import json
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
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="copy the tokenizer from here")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.export.restore import restore

    done = restore(args.gguf, args.output, dtype=args.dtype, tokenizer=args.tokenizer)
    if args.json:
        print(json.dumps(asdict(done), indent=2, default=str))
    else:
        print(f"{done.folder}: {done.architecture}, {done.n_tensors} tensors as {done.dtype} (from {done.was})")
    return 0
