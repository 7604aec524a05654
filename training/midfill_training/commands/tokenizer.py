"""`midfill-train tokenizer`: learns a tokenizer from a corpus, or gives sentinels to one that there is."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json, whole_number

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train tokenizer`."""
    parser = subparsers.add_parser("tokenizer", help="learn a tokenizer from a corpus, or adapt one")
    parser.add_argument("corpus", type=Path, nargs="?", help="the folder that `midfill-train corpus` made")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FOLDER",
        help="instead of a corpus: keep this model's tokenizer, with midfill's sentinels in place of unused tokens",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--kind", choices=("bpe", "sentencepiece"), help="byte-level (default), or aiXcoder's layout")
    parser.add_argument("--vocab", type=whole_number(1), metavar="TOKENS", help="default 49152")
    parser.add_argument("--max-mb", type=whole_number(1), metavar="MB", help="how much text to learn from; default 500")
    parser.add_argument("--config", type=Path, metavar="FILE", help="its table [tokenizer] over the defaults (TOML)")
    parser.add_argument("--force", action="store_true", help="replace a tokenizer of another corpus or settings")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    if (args.corpus is None) == (args.source is None):
        print("midfill-train: name a corpus, or a tokenizer with --from", file=sys.stderr)
        return 2
    return _learn(args) if args.corpus else _adopt(args)


def _adopt(args: argparse.Namespace) -> int:
    from midfill_training.tokenizer.sentinels import adopt_sentinels

    names = adopt_sentinels(args.source, args.output)
    if args.json:
        print(json.dumps(names, indent=2, ensure_ascii=False))
        return 0
    for old, new in names.items():
        print(f"{new} in the place of {old}")
    print(f"{args.output}: ready for `midfill-train pack --tokenizer`")
    return 0


def _learn(args: argparse.Namespace) -> int:
    from midfill_training.settings import read_settings
    from midfill_training.tokenizer.settings import TokenizerSettings
    from midfill_training.tokenizer.stage import TokenizerOptions, make_tokenizer

    said = {name: getattr(args, name) for name in ("kind", "vocab", "max_mb")}
    settings = replace(
        read_settings(args.config, "tokenizer", TokenizerSettings),
        **{name: value for name, value in said.items() if value is not None},
    )
    options = TokenizerOptions(args.force, progress=False if args.json else None)
    manifest = make_tokenizer(args.corpus, args.output, settings, options)
    if args.json:
        print(json.dumps(asdict(manifest), indent=2, ensure_ascii=False))
        return 0
    for language, ratio in manifest.counts["chars_per_token"].items():
        print(f"{language or '(no language)':16} {ratio:5.2f} characters a token")
    print(f"{args.output}: {manifest.counts['tokens']:,} tokens; report.html shows how they split the corpus")
    return 0
