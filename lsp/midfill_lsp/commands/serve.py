"""`midfill serve`: the language server, as editors start it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill serve`."""
    parser = subparsers.add_parser("serve", help="run the language server on stdin and stdout")
    parser.add_argument(
        "--tcp", metavar="HOST:PORT", help="serve one client on a loopback address instead, for debugging"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until the client leaves."""
    from midfill_lsp.serve import run_server

    return run_server(args.tcp)
