"""`midfill-train lora`: a PEFT adapter becomes a GGUF adapter, to be loaded on top of the base's GGUF."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train lora`."""
    parser = subparsers.add_parser("lora", help="convert a PEFT LoRA adapter to a GGUF adapter")
    parser.add_argument("adapter", type=Path, help="folder with adapter_config.json and adapter_model.safetensors")
    parser.add_argument("--base", type=Path, required=True, metavar="CHECKPOINT", help="only its config.json is read")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.gguf")
    parser.add_argument("--type", choices=["f32", "f16", "bf16"], default="f32", help="default f32")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.export.checkpoint import Checkpoint, read_json
    from midfill_training.export.lora import export_adapter

    base = Checkpoint(args.base, read_json(args.base / "config.json"), {})
    n_changed = export_adapter(args.adapter, base, args.output, file_type=args.type, force=args.force)
    if args.json:
        print(json.dumps({"path": str(args.output), "n_changed_tensors": n_changed, "type": args.type}, indent=2))
    else:
        print(f"{args.output} written: a LoRA adapter that changes {n_changed} tensors of {args.base}")
    return 0
