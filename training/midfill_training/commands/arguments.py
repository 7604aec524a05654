"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

T = TypeVar("T")


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_settings(parser: argparse.ArgumentParser, *tables: str) -> None:
    """`--config` and `--set`, for `read_table`."""
    told = ", ".join(f"[{table}]" for table in tables)
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help=f"its tables {told} over the defaults")
    parser.add_argument(
        "--set",
        type=_assignment(tables),
        action="append",
        default=[],
        metavar="TABLE.NAME=VALUE",
        help="one setting of these tables; may be repeated",
    )


def read_table(args: argparse.Namespace, table: str, kind: type[T]) -> T:
    """A table of `--config`, with what `--set` says of it. Raises BadInput."""
    from midfill_training.settings import read_settings, settings_from

    settings = read_settings(args.config, table, kind)
    changes = {name: value for of, name, value in args.set if of == table}
    return settings_from({**asdict(settings), **changes}, kind, table) if changes else settings  # type: ignore[call-overload]


def _assignment(tables: tuple[str, ...]) -> Callable[[str], tuple[str, str, Any]]:
    """An argparse type: table, name and value, which is read as JSON where it is some."""

    def parse(text: str) -> tuple[str, str, Any]:
        key, _, value = text.partition("=")
        table, _, name = key.partition(".")
        if not (name and value):
            raise argparse.ArgumentTypeError(f"{text!r}: write it as {tables[0]}.NAME=VALUE")
        if table not in tables:
            raise argparse.ArgumentTypeError(f"there is no table {table!r}; there are {', '.join(tables)}")
        try:
            return table, name, json.loads(value)
        except ValueError:
            return table, name, value

    return parse


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
