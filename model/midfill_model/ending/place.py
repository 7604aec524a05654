"""What kind of place a cursor is at, read off the syntax tree: it decides what a completion there may contain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from midfill_context.languages import language
from midfill_context.syntax.parts import Part, parts
from midfill_model.ending.brackets import PAIRS
from midfill_model.ending.judging import MARKS, Judge
from midfill_model.ending.placeholder import BY_INDENTATION, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

    from midfill_model.ending.hole import Filled

_QUOTES = re.compile(rb"[a-zA-Z@$&]*#*(\"{3}|'{3}|[\"'`])")


class Kind(str, Enum):
    """The kinds of places, each with its own ending."""

    NOTHING = "nothing"  # the code at the cursor is complete
    PROSE = "prose"  # in a comment or string of several lines: ends with its paragraph
    NOTE = "note"  # in a comment behind code: ends with the line
    STRING = "string"  # ends where the string does
    MARK = "mark"  # a decorator or an annotation: ends with the line
    IMPORT = "import"  # ends with the line
    LIST = "list"  # between brackets: ends where they close
    BLOCK = "block"  # an empty block: ends with it
    STATEMENT = "statement"  # a line of its own: ends with one statement and its blocks
    LINE = "line"  # within a statement: ends with that


@dataclass(frozen=True)
class Place:
    """`column`: a line indented no further begins something new; None where brackets or words tell that.

    `marker` is what each line of this comment begins with, `end` what ends this comment or string. `is_closed` says
    that all that is open before the cursor is closed after it, `is_whole` that a line ends here and nothing is missing.
    """

    kind: Kind
    column: int | None = None
    marker: str = ""
    end: str = ""
    is_closed: bool = True
    is_whole: bool = False


def read_place(judge: Judge) -> Place:
    """The place of the hole in a file or in its excerpt."""
    hole = judge.hole
    head = hole.prefix.rpartition(b"\n")[2]
    rest = hole.suffix.partition(b"\n")[0].strip()
    filled = hole.fill(judge.placeholder)
    prose = _prose(hole.language, filled)
    if _needs_nothing(judge):
        return Place(Kind.NOTHING)
    column = _n_indented(head) if hole.language in BY_INDENTATION else None
    if prose is not None:
        return _place_in_prose(hole.language, filled.source[prose.start_byte : filled.start], head.strip(), column)
    kind, body = _kind(hole.language, filled, head.strip(), rest)
    if column is not None and body is not None and body.parent is not None:
        column = _n_indented(filled.source[: body.parent.start_byte + 1].rpartition(b"\n")[2])
    is_whole = kind in (Kind.LINE, Kind.IMPORT) and not rest and judge.is_sound("")
    return Place(kind, column, is_closed=not judge.placeholder.strip(f" \t{NAME};"), is_whole=is_whole)


def _needs_nothing(judge: Judge) -> bool:
    """Whether a word follows right behind the cursor, and the code is complete."""
    follows = judge.hole.suffix[:1]
    return (follows.isalnum() or follows == b"_") and not judge.n_errors("")


def _prose(language_id: str, filled: Filled) -> Node | None:
    """The comment or string that the hole is in."""
    kinds = parts(language_id)
    at = filled.start
    for node in filled.around(max(at - 1, 0)):
        if kinds.get(node.kind_id) in ("comment", "string") and node.start_byte < at < node.end_byte:
            return node
    return None


def _place_in_prose(language_id: str, begun: bytes, head: bytes, column: int | None) -> Place:
    """The place in a comment or a string, of which there is `begun` so far."""
    row = language(language_id)
    opening, closing = (row and row.block_comment) or ("", "")
    if opening and begun.startswith(opening.encode()):
        return Place(Kind.PROSE, column, end=closing)
    quotes = _QUOTES.match(begun)
    if quotes:
        is_long = len(quotes[1]) == 3 or quotes[1] == b"`" or b"\n" in begun
        return Place(Kind.PROSE if is_long else Kind.STRING, column, end=quotes[1].decode())
    marker = (row and row.line_comment) or ""
    if marker and begun.startswith(marker.encode()):
        return Place(Kind.PROSE, column, marker) if head.startswith(marker.encode()) else Place(Kind.NOTE, column)
    return Place(Kind.STRING, column)


def _kind(language_id: str, filled: Filled, head: bytes, rest: bytes) -> tuple[Kind, Node | None]:
    """The kind of a place in code; for a block its node, too."""
    kinds = parts(language_id)
    found = filled.source.find(NAME.encode(), filled.start, filled.end)
    for node in filled.around(found, found + 1) if found >= 0 else filled.around(filled.start, filled.end):
        part = kinds.get(node.kind_id)
        if node.type in MARKS:
            return Kind.MARK, None
        if part == "imports":
            return Kind.IMPORT, None
        if part == "body":
            if not rest.strip(b"}") and _is_empty(node, filled, kinds):
                return Kind.BLOCK, node
            break
        if _is_in_brackets(node, filled):
            return Kind.LIST, None
    return (Kind.LINE if head or rest else Kind.STATEMENT), None


def _is_empty(body: Node, filled: Filled, kinds: Mapping[int, Part]) -> bool:
    """Whether a block holds nothing but the text in the hole and words about the code."""
    return all(
        (filled.start <= child.start_byte and child.end_byte <= filled.end) or _is_about_code(child, kinds)
        for child in body.named_children
    )


def _is_about_code(node: Node, kinds: Mapping[int, Part]) -> bool:
    """Whether this is a comment, or a literal that stands alone as docstrings do."""
    part = kinds.get(node.kind_id)
    while part is None and node.child_count == 1 and (only := node.child(0)) is not None:
        node, part = only, kinds.get(only.kind_id)
    return part in ("comment", "string")


def _is_in_brackets(node: Node, filled: Filled) -> bool:
    """Whether a node begins and ends with brackets on either side of the hole."""
    if node.child_count < 2:
        return False
    first, last = node.child(0), node.child(node.child_count - 1)
    if first is None or last is None:
        return False
    return PAIRS.get(first.type) == last.type and first.end_byte <= filled.start and last.end_byte > filled.start


def _n_indented(line: bytes) -> int:
    return len(line) - len(line.lstrip())
