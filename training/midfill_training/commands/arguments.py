"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_fim_tokens(parser: argparse.ArgumentParser) -> None:
    """`--fim-tokens`, for vocabularies whose markers midfill does not know by name."""
    parser.add_argument(
        "--fim-tokens", type=three_pieces, metavar="PRE,SUF,MID", help="pieces that mark prefix, suffix and middle"
    )


def three_pieces(text: str) -> tuple[str, str, str]:
    """Three pieces between commas."""
    pieces = text.split(",")
    if len(pieces) != 3 or not all(pieces):
        raise argparse.ArgumentTypeError("three pieces between commas, e.g. '<fim_prefix>,<fim_suffix>,<fim_middle>'")
    return pieces[0], pieces[1], pieces[2]


def whole_number(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return parse
