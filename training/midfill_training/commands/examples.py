"""`midfill-train examples`: what the training objectives make of files, to look at."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import add_json
from midfill_training.errors import BadInput

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.objectives.examples import Example
    from midfill_training.objectives.survey import Source, Survey

SHOWN_LINES = 3  # of the text on either side of a hole
SHOWN_MIDDLE_LINES = 12


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train examples`."""
    parser = subparsers.add_parser("examples", help="show which holes training makes in files")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--count", type=int, default=1000, help="how many to draw; default 1000")
    parser.add_argument("--show", type=int, default=10, help="how many of them to show; default 10")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, metavar="FILE", help="its table [objectives] over the defaults (TOML)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    import random

    from midfill_training.objectives.sampling import ObjectiveSettings
    from midfill_training.objectives.survey import survey
    from midfill_training.settings import read_settings

    settings = read_settings(args.config, "objectives", ObjectiveSettings)
    sources = [_source(path) for path in args.files]
    found = survey(sources, max(args.count, 1), random.Random(args.seed), settings)
    if args.json:
        print(json.dumps(_table(found, args.show), indent=2, ensure_ascii=False))
    else:
        _print(found, args.show)
    return 0


def _source(path: Path) -> Source:
    from midfill_context.languages import language_of
    from midfill_training.objectives.survey import Source

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as text in UTF-8: {error}") from error
    language = language_of(path.name)
    return Source(str(path), language.id if language else "", text)


def _table(found: Survey, n_shown: int) -> dict[str, object]:
    return {
        "kinds": [asdict(kind) for kind in found.kinds],
        "bytes_per_second": round(found.speed),
        "parse_bytes_per_second": round(found.parse_speed),
        "examples": [{"path": source.path, **asdict(example)} for source, example in found.drawn[:n_shown]],
    }


def _print(found: Survey, n_shown: int) -> None:
    for source, example in found.drawn[:n_shown]:
        print(f"--- {source.path}: {example.objective}, {example.kind}")
        print(_shown(example) + "\n")
    print("objective  kind          share   middle: median, longest (characters)")
    for kind in found.kinds:
        print(f"{kind.objective:10} {kind.kind:12} {kind.share:6.1%} {kind.median_chars:16,} {kind.max_chars:8,}")
    print(
        f"{len(found.drawn):,} examples at {found.speed / 1e6:.1f} MB of source a second; "
        f"parsing alone takes {found.parse_speed / 1e6:.1f} MB a second"
    )


def _shown(example: Example) -> str:
    """The hole between ⟦ ⟧, with some lines around it."""
    before = "".join(example.prefix.splitlines(keepends=True)[-SHOWN_LINES:])
    after = "".join(example.suffix.splitlines(keepends=True)[:SHOWN_LINES])
    middle = example.middle.splitlines(keepends=True)
    left_out = f"… {len(middle) - SHOWN_MIDDLE_LINES:,} more lines" if len(middle) > SHOWN_MIDDLE_LINES else ""
    return f"{before}⟦{''.join(middle[:SHOWN_MIDDLE_LINES])}{left_out}⟧{after}".rstrip("\n")
