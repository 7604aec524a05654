"""The command line: `python -m inventory report` and `python -m inventory serve`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inventory.api import serve
from inventory.models import Category
from inventory.report import RENDERERS, summarize_by_category
from inventory.store import StockError, load


def main() -> int:
    parser = argparse.ArgumentParser(prog="inventory", description="What a warehouse holds.")
    parser.add_argument("--products", type=Path, default=Path("data/products.json"))
    parser.add_argument("--journal", type=Path, default=Path("data/journal.jsonl"))
    commands = parser.add_subparsers(dest="command", required=True)

    report = commands.add_parser("report", help="print the stock")
    report.add_argument("--format", choices=RENDERERS, default="text")
    report.add_argument("--category", type=Category, choices=list(Category))
    report.add_argument("--low", action="store_true", help="only what must be ordered")

    commands.add_parser("summary", help="print units and value by category")

    server = commands.add_parser("serve", help="answer the web client")
    server.add_argument("--port", type=int, default=8080)

    args = parser.parse_args()
    try:
        store = load(args.products, args.journal)
    except (OSError, StockError) as error:
        print(f"inventory: {error}", file=sys.stderr)
        return 1

    if args.command == "serve":
        serve(store, args.port)
    elif args.command == "summary":
        for category, summary in summarize_by_category(store).items():
            print(f"{category.value:<6} {summary.n_units:>6} units  {summary.value}")
    else:
        lines = store.lines_of(args.category) if args.category else list(store.lines())
        shown = [line for line in lines if line.is_low or not args.low]
        print(RENDERERS[args.format](shown), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
