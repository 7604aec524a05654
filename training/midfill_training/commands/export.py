"""`midfill-train export`: a checkpoint becomes a GGUF."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_fim_tokens, add_json

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.export.conversion import Exported

SHOWN_FALLBACKS = 6


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train export`."""
    parser = subparsers.add_parser("export", help="convert a checkpoint to GGUF")
    parser.add_argument("checkpoint", type=Path, help="folder of a Hugging Face checkpoint, or aiXcoder's Megatron .pt")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.gguf")
    parser.add_argument("--type", default="f16", metavar="TYPE", help="f16 (default), bf16, q8_0, q4_k_m, iq4_nl, ...")
    parser.add_argument("--adapter", type=Path, metavar="FOLDER", help="a PEFT LoRA adapter to merge")
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="take the tokenizer from another folder")
    parser.add_argument("--imatrix", type=Path, metavar="FILE", help="importance matrix for quantising")
    parser.add_argument("--name", help="general.name in the file")
    parser.add_argument("--licence", help="general.license in the file; default: what the model card says")
    parser.add_argument("--origin", metavar="URL", help="where the weights come from")
    parser.add_argument("--threads", type=int, default=0, help="for quantising; default: all cores")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--dry-run", action="store_true", help="check everything but the weights; show sizes")
    add_fim_tokens(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.export.conversion import FILE_TYPES, ExportOptions, export

    file_type = args.type.lower()
    if file_type not in FILE_TYPES:
        print(f"midfill-train: no type {args.type!r}; there are {', '.join(FILE_TYPES)}", file=sys.stderr)
        return 2
    options = ExportOptions(
        file_type=file_type,
        name=args.name,
        licence=args.licence,
        origin=args.origin,
        fim=args.fim_tokens,
        adapter=args.adapter,
        imatrix=args.imatrix,
        tokenizer=args.tokenizer,
        n_threads=args.threads,
        force=args.force,
        show_progress=not args.json,
    )
    try:
        done = export(args.checkpoint, args.output, options, dry_run=args.dry_run)
    except KeyboardInterrupt:
        print("midfill-train: interrupted; the same command goes on where a large export stopped", file=sys.stderr)
        return 130
    if args.json:
        print(json.dumps(asdict(done), indent=2, default=str))
    else:
        _print(done)
    return 0


def _print(done: Exported) -> None:
    verb = "would be" if done.dry_run else "written:"
    print(f"{done.path} {verb} {done.architecture}, {done.n_parameters:,} parameters as {done.file_type}, ", end="")
    print(f"{done.n_bytes:,} bytes")
    if done.n_resumed:
        print(f"{done.n_resumed} tensors were there from an interrupted run")
    print(f"tokenizer: {done.tokenizer}")
    for limit in done.limits:
        print(limit)
    if done.fallbacks:
        print(f"{len(done.fallbacks)} tensors have rows that fill no whole blocks and are stored larger:")
    for fallback in done.fallbacks[:SHOWN_FALLBACKS]:
        print(f"  {fallback.tensor}: {fallback.used} instead of {fallback.wanted}")
    if len(done.fallbacks) > SHOWN_FALLBACKS:
        print(f"  and {len(done.fallbacks) - SHOWN_FALLBACKS} more (--json has them all)")
