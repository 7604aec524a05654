"""`midfill-train corpus`: repositories, archives and tables of code become a corpus."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_training.commands.arguments import add_json

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.corpus.settings import CorpusSettings
    from midfill_training.report.manifest import Manifest


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train corpus`."""
    parser = subparsers.add_parser("corpus", help="make a corpus from repositories, archives and tables of code")
    parser.add_argument(
        "sources", type=Path, nargs="+", metavar="SOURCE",
        help="a folder, git repository, archive, table of files, a folder of those, or a list (.txt, .toml)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings; the table [corpus] of a TOML file")
    parser.add_argument("--ranking", type=Path, metavar="FILE", help="stars and commits by project, CSV or JSON")
    parser.add_argument("--decontaminate", type=Path, nargs="+", default=[], metavar="FILE", help="benchmarks to avoid")
    parser.add_argument("--executor", choices=("local", "ray", "slurm"), default="local")
    parser.add_argument("--tasks", type=int, default=16, help="pieces of work, and shards of the corpus; default 16")
    parser.add_argument("--workers", type=int, default=0, help="tasks at the same time; default one a processor")
    parser.add_argument("--strict", action="store_true", help="fail when a source cannot be read, instead of noting it")
    parser.add_argument("--force", action="store_true", help="replace a corpus of other sources or settings")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    from midfill_training.corpus.pipeline import CorpusOptions, make_corpus
    from midfill_training.corpus.settings import CorpusSettings
    from midfill_training.settings import read_settings

    settings = _decontaminated(read_settings(args.config, "corpus", CorpusSettings), args.decontaminate)
    options = CorpusOptions(
        executor=args.executor,
        n_tasks=args.tasks,
        n_workers=args.workers,
        ranking=args.ranking,
        strict=args.strict,
        force=args.force,
        progress=not args.json,
    )
    manifest = make_corpus(args.sources, args.output, settings, options)
    if args.json:
        print(json.dumps(asdict(manifest) if manifest else None, indent=2, ensure_ascii=False))
    elif manifest is None:
        print(f"handed to Slurm; the corpus is there when {args.output} has a manifest.json: run again to see it")
    else:
        _print(args.output, manifest)
    return 0


def _decontaminated(settings: CorpusSettings, files: list[Path]) -> CorpusSettings:
    benchmarks = (*settings.decontamination.benchmarks, *map(str, files))
    return replace(settings, decontamination=replace(settings.decontamination, benchmarks=benchmarks))


def _print(folder: Path, manifest: Manifest) -> None:
    counts = manifest.counts
    _print_row("read", counts["read"])
    for stage, count in counts["stages"].items():
        _print_row(f"- {stage}", count)
    _print_row("kept", counts["kept"])
    for source, reason in counts["refused"].items():
        print(f"not read: {source}: {reason}")
    print(f"{folder}: {len(manifest.outputs)} shards; report.html shows what each stage did")


def _print_row(name: str, count: dict[str, Any]) -> None:
    changed = f", {count['changed']:,} files changed" if count["changed"] else ""
    print(
        f"{name:17} {count['projects']:7,} projects {count['files']:9,} files {count['bytes'] / 1e6:10,.2f} MB{changed}"
    )
