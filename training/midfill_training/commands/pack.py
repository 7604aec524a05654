"""`midfill-train pack`: a corpus becomes rows of tokens."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json, add_settings, read_table, whole_number

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.packing.packer import Recipe
    from midfill_training.report.manifest import Manifest


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train pack`."""
    parser = subparsers.add_parser("pack", help="make rows of tokens from a corpus, with holes to fill")
    parser.add_argument("corpus", type=Path, help="the folder that `midfill-train corpus` made")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tokenizer", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--format", default="midfill", help="prompt format: midfill or aixcoder; default midfill")
    add_settings(parser, "ordering", "objectives", "packing")
    parser.add_argument("--length", type=whole_number(1), metavar="TOKENS", help="of a row; default 2048")
    parser.add_argument("--holdout", choices=("projects", "files", "none"), help="what is kept for validation")
    parser.add_argument("--holdout-share", type=float, metavar="SHARE", help="how much of it; default 0.02")
    parser.add_argument("--workers", type=whole_number(1), default=0, help="processes; default one a processor")
    parser.add_argument("--force", action="store_true", help="replace rows of another corpus or settings")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.packing.stage import PackOptions, pack

    options = PackOptions(args.workers, args.force, progress=False if args.json else None)
    manifest = pack(args.corpus, args.output, args.tokenizer, _recipe(args), options)
    if args.json:
        print(json.dumps(asdict(manifest), indent=2, ensure_ascii=False))
    else:
        _print(args.output, manifest)
    return 0


def _recipe(args: argparse.Namespace) -> Recipe:
    """The settings file, and what the arguments say otherwise."""
    from midfill_training.objectives.sampling import ObjectiveSettings
    from midfill_training.ordering.strategies import OrderingSettings
    from midfill_training.packing.packer import Recipe
    from midfill_training.packing.settings import PackingSettings

    said = {name: getattr(args, name) for name in ("length", "holdout", "holdout_share")}
    packing = read_table(args, "packing", PackingSettings)
    return Recipe(
        format=args.format,
        ordering=read_table(args, "ordering", OrderingSettings),
        objectives=read_table(args, "objectives", ObjectiveSettings),
        packing=replace(packing, **{name: value for name, value in said.items() if value is not None}),
    )


def _print(folder: Path, manifest: Manifest) -> None:
    for split, counts in manifest.counts.items():
        objectives = ", ".join(f"{name} {n:,}" for name, n in counts["tokens_by_objective"].items())
        print(f"{split:6} {counts['rows']:9,} rows, {counts['shares']['filler']:.1%} filling; tokens: {objectives}")
    if not manifest.counts["valid"]["rows"] and manifest.settings["packing"]["holdout"] == "projects":
        print("no project is held out for validation: raise --holdout-share, or take --holdout files")
    print(f"{folder}: report.html shows lengths, holes and rows to look at")
