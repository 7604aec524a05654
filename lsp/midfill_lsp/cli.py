"""The `midfill` command. Exit codes: 0 done, 1 a problem that the message explains, 2 wrong usage.

Nothing heavy is imported before a subcommand runs: `midfill --version` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from midfill_lsp import __version__
from midfill_lsp.commands import bench, complete, context, doctor, index, model, serve, stats


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="midfill", description="Offline inline code completion.")
    parser.add_argument("--version", action="version", version=f"midfill {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (complete, context, serve, index, model, stats, doctor, bench):
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit code."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        sys.stderr.close()
        return 1
    return code
