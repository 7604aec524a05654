"""Places in files, as the commands take them: FILE:LINE[:COLUMN]."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_lsp.documents import Document

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?")


class PlaceError(Exception):
    """There is no such place; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """A place in a file as the user gives it: line and column count from 1, no column is the end of the line."""

    file: Path
    line: int
    column: int | None


def add_place(parser: argparse.ArgumentParser) -> None:
    """Declare `place` and `--workspace`."""
    parser.add_argument(
        "place",
        metavar="FILE:LINE[:COLUMN]",
        type=_place,
        help="counted from 1; without COLUMN the end of the line",
    )
    parser.add_argument(
        "--workspace", metavar="DIR", type=Path, help="default: the nearest folder above the file with .git"
    )


def open_place(place: Place) -> tuple[Document, int]:
    """The file as a document, and the offset of the place in it."""
    from midfill_context.languages import language_of
    from midfill_lsp.documents import Document
    from midfill_lsp.wire.positions import body_length

    language = language_of(place.file.name)
    text = _read(place.file)
    document = Document.from_text(place.file.absolute().as_uri(), language.id if language else "", 0, text)
    if place.line > len(document.lines):
        raise PlaceError(f"{place.file} ends at line {len(document.lines)}; there is no line {place.line}")
    line = document.lines[place.line - 1]
    length = body_length(line)
    column = length + 1 if place.column is None else place.column
    if column > length + 1:
        raise PlaceError(f"line {place.line} of {place.file} has {length} characters; the last column is {length + 1}")
    return document, sum(map(len, document.lines[: place.line - 1])) + column - 1


def workspace_of(args: argparse.Namespace) -> Path:
    """The workspace that the arguments name, or the nearest folder above the file that is a repository."""
    if args.workspace:
        return Path(args.workspace).absolute()
    file: Path = args.place.file.absolute()
    return next((folder for folder in file.parents if (folder / ".git").exists()), file.parent)


def _place(text: str) -> Place:
    match = _PLACE.fullmatch(text)
    if match is None or int(match["line"]) < 1 or match["column"] == "0":
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:LINE or FILE:LINE:COLUMN, counted from 1")
    return Place(Path(match["file"]), int(match["line"]), int(match["column"]) if match["column"] else None)


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise PlaceError(f"there is no file {file}") from None
    except OSError as error:
        raise PlaceError(f"cannot read {file}: {error.strerror}") from None
    if b"\0" in data:
        raise PlaceError(f"{file} is a binary file: it has a NUL byte at {data.index(0)}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        print(f"midfill: {file} is not UTF-8 (byte {error.start}); read as Latin-1", file=sys.stderr)
        return data.decode("latin-1")
