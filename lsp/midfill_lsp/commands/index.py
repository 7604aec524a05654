"""`midfill index [DIR]`: what midfill knows of a workspace, what it left out and why. It saves the index for later."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_context.index.report import IndexReport
    from midfill_lsp.commands import Subparsers

TIMEOUT_S = 3600.0
N_SHOWN = 10


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill index`."""
    parser = subparsers.add_parser("index", help="index a workspace and show what is in it")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="default: this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every file left out")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Index the folder, or bring its saved index up to date, and print the figures."""
    import psutil

    from midfill_context.index.report import report
    from midfill_context.index.workspace import WorkspaceIndex

    if not args.folder.is_dir():
        print(f"midfill: {args.folder} is not a folder", file=sys.stderr)
        return 1
    began = time.monotonic()
    index = WorkspaceIndex(args.folder, lambda message: print(f"midfill: {message}", file=sys.stderr), is_watched=False)
    try:
        if not index.settle(TIMEOUT_S):
            print(f"midfill: {args.folder} could not be indexed in an hour", file=sys.stderr)
            return 1
        seconds = time.monotonic() - began
        process_bytes = psutil.Process(index.process_id).memory_info().rss
        found = report(index)
    finally:
        index.stop(timeout_s=10)
    if args.json:
        print(json.dumps(asdict(found) | {"seconds": round(seconds, 3), "process_bytes": process_bytes}))
    else:
        _show(found, seconds, process_bytes)
    return 0


def _show(found: IndexReport, seconds: float, process_bytes: int) -> None:
    n_files = sum(found.files_by_language.values())
    print(f"{found.root}: {n_files:,} files in {seconds:.1f} s")
    print(f"languages    {_counts(found.files_by_language)}")
    print(f"kept         {found.n_definitions:,} definitions, {found.n_chunks:,} chunks")
    print(f"imports      {found.n_resolved_imports:,} of {found.n_imports:,} lead to a file of the workspace")
    print(f"outside      {_counts(found.unresolved)}")
    print(f"left out     {_counts(dict(Counter(found.skipped.values()).most_common()))}; {found.n_no_code:,} no code")
    print(f"memory       facts {found.facts_bytes / 2**20:.1f} MiB, process {process_bytes / 2**20:.0f} MiB")


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{name} {number:,}" for name, number in list(counts.items())[:N_SHOWN]]
    n_more = len(counts) - len(shown)
    return ", ".join(shown + ([f"{n_more:,} more"] if n_more > 0 else [])) or "nothing"
