"""`midfill-train verify`: is a GGUF the model in a checkpoint?"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_fim_tokens, add_json, whole_number

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.export.greedy_text import GreedyTexts
    from midfill_training.export.verify import Report

SHOWN_FINDINGS = 10


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train verify`."""
    parser = subparsers.add_parser("verify", help="compare a GGUF with the checkpoint it was made from")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("gguf", type=Path, metavar="FILE.gguf")
    parser.add_argument("--code", type=Path, nargs="+", default=[], metavar="FILE", help="compare logits on this code")
    parser.add_argument("--tokens", type=whole_number(1), default=512, help="how many tokens of it; default 512")
    parser.add_argument("--max-kl", type=float, metavar="NATS", help="the largest mean KL divergence to accept")
    parser.add_argument(
        "--greedy", type=whole_number(1), default=0, metavar="N", help="also compare greedy texts of N prompts"
    )
    parser.add_argument("--adapter", type=Path, metavar="FOLDER", help="the PEFT adapter that the GGUF has merged")
    parser.add_argument(
        "--lora", type=Path, metavar="FILE", help="a GGUF adapter to load; --adapter is its PEFT folder"
    )
    parser.add_argument("--tokenizer", type=Path, metavar="FOLDER", help="take the tokenizer from another folder")
    parser.add_argument("--no-logits", action="store_true", help="compare files only; needs no torch and little memory")
    add_fim_tokens(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say; 1 when the file is not blessed."""
    from midfill_training.errors import NotTheSameModel
    from midfill_training.export.verify import VerifyOptions, verify

    if args.lora and not args.adapter:
        print("midfill-train: --lora needs --adapter, the PEFT folder it was made from", file=sys.stderr)
        return 2
    options = VerifyOptions(
        code=tuple(args.code),
        n_tokens=args.tokens,
        max_mean_kl=args.max_kl,
        adapter=args.adapter,
        lora=args.lora,
        tokenizer=args.tokenizer,
        fim=args.fim_tokens,
        compare_logits=not args.no_logits,
        n_greedy=args.greedy,
    )
    report = verify(args.checkpoint, args.gguf, options)
    if args.json:
        print(json.dumps({**asdict(report), "is_same": report.is_same}, indent=2, default=str))
    else:
        _print(report)
    if not report.is_same:
        raise NotTheSameModel(f"{args.gguf}: not the model in {args.checkpoint}; do not use it, export it again")
    return 0


def _print(report: Report) -> None:
    for finding in report.findings[:SHOWN_FINDINGS]:
        print(f"{finding.check}: {finding.what}")
    if len(report.findings) > SHOWN_FINDINGS:
        print(f"and {len(report.findings) - SHOWN_FINDINGS} more (--json has them all)")
    print(f"weights: largest relative error of a tensor {report.worst_weight:.2g} ({report.file_type})")
    if report.divergence:
        found = report.divergence
        print(
            f"logits: KL divergence mean {found.mean_kl:.2g}, max {found.max_kl:.2g} nats over {found.n_tokens} tokens "
            f"(accepted: mean {report.max_mean_kl:g}); same most likely token at {found.same_argmax:.1%}"
        )
    if report.greedy:
        _print_greedy(report.greedy, report.file_type)
    if report.is_same:
        print(f"{report.path} is the model in the checkpoint")


def _print_greedy(texts: GreedyTexts, file_type: str) -> None:
    print(f"greedy: {texts.n_equal} of {texts.n_prompts} texts of {texts.n_new} tokens are equal")
    for parting in texts.partings:
        note = f", which {file_type} explains" if parting.is_explained else ""
        print(f"  text {parting.prompt} parts after {parting.n_equal} tokens at a margin of {parting.margin:.2g}{note}")
