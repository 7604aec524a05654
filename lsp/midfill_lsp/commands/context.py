"""`midfill context FILE:LINE[:COLUMN]`: what of the rest of the project a prompt for this place gets, and why."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from midfill_lsp.commands.places import PlaceError, add_place, open_place, workspace_of
from midfill_lsp.commands.retrieving import retrieve

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill context`."""
    parser = subparsers.add_parser("context", help="show what a prompt gets from the rest of the project, and why")
    add_place(parser)
    parser.add_argument("--model", default="", metavar="NAME|PATH", help="whose tokens are counted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Index the workspace, or bring its saved index up to date, and print the snippets for the place."""
    from midfill_model.errors import ModelError

    try:
        found = _found(args)
    except (PlaceError, ModelError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False) if args.json else _render(found))
    return 0


def _found(args: argparse.Namespace) -> dict[str, Any]:
    from midfill_context.retrieval.report import report
    from midfill_lsp.models.engines import open_local_engine
    from midfill_lsp.settings import Settings
    from midfill_lsp.suggesting.suggestion import cursor_at
    from midfill_model.local.llama_engine import loaded

    document, offset = open_place(args.place)
    workspace = workspace_of(args)
    with loaded(open_local_engine(Settings(model=args.model))) as engine:

        def count_tokens(text: str) -> int:
            return engine.count_tokens([text]).result()[0]

        return report(retrieve(cursor_at(document, offset, [workspace]), workspace, count_tokens))


def _render(found: dict[str, Any]) -> str:
    parts = [
        f"── {one['path']}:{one['first_line']}-{one['last_line']} · {one['why']} · score {one['score']:.4f}"
        f" · {one['n_tokens']} tokens\n{one['text']}\n"
        for one in found["snippets"]
    ]
    cut = "" if found["is_complete"] else ", cut short by the time limit"
    n_snippets = len(found["snippets"])
    total = f"{n_snippets} snippets, {found['n_tokens']} tokens, {found['elapsed_ms']:.0f} ms{cut}"
    return "\n".join([*parts, total])
