"""`midfill-train fetch`: the packages of a recipe, from the registries that this machine's clients are set up for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train fetch`."""
    parser = subparsers.add_parser("fetch", help="download the pinned packages that a corpus is made from")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml", help="packages with versions and hashes")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from tqdm import tqdm

    from midfill_training.corpus.recipe import fetch, read_recipe

    packages = read_recipe(args.recipe)
    fetched = {}
    with tqdm(total=len(packages), unit="package", disable=True if args.json else None) as progress:
        for package, archives in fetch(packages, args.output):
            fetched[str(package)] = [str(archive) for archive in archives]
            progress.set_postfix_str(str(package))
            progress.update()
    print(json.dumps(fetched, indent=2) if args.json else f"{len(fetched)} packages in {args.output}")
    return 0
