"""Cursors of every kind in finished projects: what stood there is cut out, the rest of the file stays.

Where a kind of place lies is read off the syntax tree of the whole file, by the parts that nodes play. A place that an
editor would give an empty line keeps its indentation. Files with syntax errors are left out.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_context.cursor import Cursor
from midfill_context.index.walking import Walker
from midfill_context.languages import language_of
from midfill_context.syntax.grammars import parse
from midfill_context.syntax.parts import Part, parts
from midfill_model.ending.judging import MARKS

if TYPE_CHECKING:
    from tree_sitter import Node

LANGUAGES = ("python", "typescript", "javascript", "java", "go", "rust", "cpp")
MAX_FILES = 300  # of a language are looked at
MAX_FILE_BYTES = 128 << 10
MAX_LINE_BYTES = 400  # longer ones nobody wrote by hand
MAX_BYTES = 300  # a longer text is more than a completion may be
MAX_STATEMENT_ROWS = 3
_VALUES = frozenset({"value", "right", "condition"})  # fields of nodes, in all grammars
_WORD = re.compile(rb"(?<=[\w,.:] )\w")  # where a later word begins
_QUOTED = re.compile(rb"[a-zA-Z@$&]*(\"{3}|'{3}|[\"'`])([^{]+)\1", re.DOTALL)
_FIRST_WORD = re.compile(rb"[\w#]+ +")


class Kind(str, Enum):
    """The kinds of places, as issues and tables name them."""

    EXPRESSION = "expression"
    ARGUMENTS = "argument list"
    REST = "rest of line"
    BLOCK = "block after header"
    STATEMENT = "statement list"
    COMMENT = "comment"
    DOCSTRING = "docstring"
    STRING = "string"
    MARK = "decorator"
    IMPORT = "import line"
    EMPTY = "empty place"


@dataclass(frozen=True)
class CutOut:
    """A place in a file and the text that was cut out there. `where` is `project/path:line:column`, `file` without."""

    kind: Kind
    cursor: Cursor
    reference: str
    file: str

    @property
    def where(self) -> str:
        before = self.cursor.prefix.split("\n")
        return f"{self.file}:{len(before)}:{len(before[-1]) + 1}"


@dataclass(frozen=True)
class _File:
    """A file of a project; `source` is UTF-8 with newlines as line ends."""

    project: str
    path: str
    language: str
    source: bytes


@dataclass(frozen=True)
class Hole:
    """A kind of place and the bytes that are cut out."""

    kind: Kind
    start: int
    end: int


def cut_cursors(folders: Sequence[Path], n_cursors: int, seed: int = 0) -> list[CutOut]:
    """So many cursors, each kind in each language as often as the others while there are any, one of each in a file.

    A larger number only adds to the cursors of a smaller one. ValueError for folders without code of these languages.
    """
    groups: dict[tuple[str, Kind], list[tuple[_File, Hole]]] = defaultdict(list)
    n_files: dict[str, int] = defaultdict(int)
    for folder, path in _paths(folders, seed):
        known = language_of(path)
        if known is None or known.id not in LANGUAGES or n_files[known.id] == MAX_FILES:
            continue
        file = _File(folder.name, path, known.id, _source(folder / path))
        holes = list(find_holes(known.id, file.source))
        n_files[known.id] += bool(holes)
        for hole in _one_of_each(holes, f"{seed} {path}"):
            groups[known.id, hole.kind].append((file, hole))
    if not groups:
        raise ValueError(f"no code in {', '.join(LANGUAGES)} that could be parsed in the folders given")
    turns = chain.from_iterable(zip_longest(*(groups[key] for key in sorted(groups))))
    return [_cut_out(*drawn) for drawn in islice(filter(None, turns), n_cursors)]


def find_holes(language: str, source: bytes) -> Iterator[Hole]:
    """All places of a file; none if it has a syntax error."""
    tree = parse(language, source)
    if tree is None or tree.root_node.has_error:
        return
    kinds = parts(language)
    waiting, prose = [tree.root_node], set[int]()
    leaves: list[Node] = []
    while waiting:
        node = waiting.pop()
        part = kinds.get(node.kind_id)
        yield from (hole for hole in _of_node(node, part, kinds, source) if hole.end - hole.start <= MAX_BYTES)
        if part in ("comment", "string"):
            rows = range(node.start_point.row, node.end_point.row + 1)
            prose.update(rows if part == "comment" or len(rows) > 1 else ())
        elif node.child_count:
            waiting += node.children
        else:
            leaves.append(node)
    for leaf in leaves:
        if leaf.start_point.row not in prose and _indentation(source, leaf.start_byte) is None:
            yield Hole(Kind.REST, leaf.start_byte, _line_end(source, leaf.start_byte))


def _of_node(node: Node, part: Part | None, kinds: Mapping[int, Part], source: bytes) -> Iterator[Hole]:
    is_line = node.start_point.row == node.end_point.row
    if node.type in MARKS:
        yield Hole(Kind.MARK, node.start_byte + 1, _line_end(source, node.start_byte))
    elif part == "imports" and is_line and (word := _FIRST_WORD.match(source, node.start_byte, node.end_byte)):
        yield Hole(Kind.IMPORT, word.end(), node.end_byte)
    elif part in ("comment", "string"):
        yield from _of_prose(node, part, source)
    elif part == "arguments" and is_line and node.end_byte - node.start_byte > 2:
        yield Hole(Kind.ARGUMENTS, node.start_byte + 1, node.end_byte - 1)
    elif part == "body":
        yield from _of_body(node, kinds, source)
    elif is_line and node.parent is not None:
        values = chain.from_iterable(node.parent.children_by_field_name(name) for name in _VALUES)
        if node.is_named and node in values:
            yield Hole(Kind.EXPRESSION, node.start_byte, node.end_byte)


def _of_prose(node: Node, part: Part, source: bytes) -> Iterator[Hole]:
    """The rest of a line of prose, from a later word on; or all between two quotes."""
    text = source[node.start_byte : node.end_byte].rstrip()
    quoted = _QUOTED.fullmatch(text)
    is_alone = node.parent is not None and node.parent.type == "expression_statement"
    if b"\n" in text and (is_alone or text.startswith(b"/*")):
        kind, end = Kind.DOCSTRING, node.start_byte + text.rfind(b"\n")
    elif part == "comment" and b"\n" not in text and not text.startswith(b"/*"):
        kind, end = Kind.COMMENT, node.start_byte + len(text)
    else:
        if part == "string" and quoted is not None and b"\n" not in text:
            yield Hole(Kind.STRING, node.start_byte + quoted.start(2), node.start_byte + quoted.end(2))
        return
    words = [word.start() for word in _WORD.finditer(source, node.start_byte, end)]
    if words:
        start = words[len(words) // 2]
        yield Hole(kind, start, _line_end(source, start))


def _of_body(node: Node, kinds: Mapping[int, Part], source: bytes) -> Iterator[Hole]:
    """All of a block below its header, its statements one by one, and the places behind them."""
    children = [child for child in node.named_children if _stands_alone(child, source)]
    if not children or len(children) < node.named_child_count:
        return
    header = node.parent
    if header is not None and kinds.get(header.kind_id) in ("definition", "control"):
        yield Hole(Kind.BLOCK, children[0].start_byte, _end(children[-1], source))
    for child in children:
        if kinds.get(child.kind_id) in ("comment", "body") or child.type in MARKS:
            continue
        end = _end(child, source)
        if len(children) > 1 and child.end_point.row - child.start_point.row < MAX_STATEMENT_ROWS:
            yield Hole(Kind.STATEMENT, child.start_byte, end)
        yield Hole(Kind.EMPTY, end, end)


def _stands_alone(node: Node, source: bytes) -> bool:
    """Whether there is nothing else on the lines of a node but a semicolon."""
    end = _end(node, source)
    return _indentation(source, node.start_byte) is not None and _line_end(source, end) == end


def _end(node: Node, source: bytes) -> int:
    """The end of a node that stands alone, with its semicolon and without the line end that it may have."""
    text = source[node.start_byte : node.end_byte].rstrip()
    end = node.start_byte + len(text)
    return end + 1 if source[end : end + 1] == b";" else end


def _indentation(source: bytes, at: int) -> bytes | None:
    """What stands before a place on its line if that is nothing but blanks."""
    before = source[source.rfind(b"\n", 0, at) + 1 : at]
    return None if before.strip() else before


def _line_end(source: bytes, at: int) -> int:
    """Where the text of a line ends."""
    end = source.find(b"\n", at)
    return at + len(source[at : end if end >= 0 else len(source)].rstrip())


def _one_of_each(holes: Collection[Hole], seed: str) -> Iterator[Hole]:
    by_kind: dict[Kind, list[Hole]] = defaultdict(list)
    for hole in holes:
        by_kind[hole.kind].append(hole)
    chance = random.Random(seed)
    return (chance.choice(by_kind[kind]) for kind in Kind if kind in by_kind)


def _cut_out(file: _File, hole: Hole) -> CutOut:
    source, path = file.source, f"{file.project}/{file.path}"
    before, text, after = source[: hole.start], source[hole.start : hole.end], source[hole.end :]
    cursor = Cursor(file.path, file.language, before.decode(), after.decode())
    return CutOut(hole.kind, cursor, text.decode(), path)


def _paths(folders: Sequence[Path], seed: int) -> list[tuple[Path, str]]:
    """The files that the index would hold, in an order drawn by lot."""
    folders = [folder.resolve() for folder in folders]
    found = [(folder, path) for folder in folders for path in sorted(Walker(folder).walk().files)]
    random.Random(seed).shuffle(found)
    return found


def _source(path: Path) -> bytes:
    """The text of a file; nothing of one that is too large, not written by hand, or not in UTF-8."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1).replace(b"\r\n", b"\n")
    try:
        data.decode()
    except UnicodeDecodeError:
        return b""
    is_long = len(data) > MAX_FILE_BYTES or max(map(len, data.split(b"\n"))) > MAX_LINE_BYTES
    return b"" if is_long or b"\r" in data else data
