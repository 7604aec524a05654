"""A file without what lies far from a hole in it: statements and members beside those that the hole is in.

What is left reads like the whole file, is about the definition at the hole, and is parsed in a fraction of a
millisecond however long the file is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from midfill_context.syntax.parts import Part, parts
from midfill_model.ending.hole import Filled, Hole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tree_sitter import Node

_N_NEIGHBOURS = 2
_KEPT = frozenset({"php_tag", "text"})  # without them the rest is no PHP

Span = tuple[int, int]


def excerpt(hole: Hole, filled: Filled) -> Hole:
    """The hole in the excerpt; `filled` is the file with a text in the hole that makes it read well."""
    kinds = parts(hole.language)
    before: list[Span] = []
    after: list[Span] = []
    for node in filled.around(filled.start, filled.end):
        if node.parent is None or kinds.get(node.kind_id) == "body":
            children = node.children
            earlier = [child for child in reversed(children) if child.end_byte <= filled.start]
            later = [child for child in children if child.start_byte >= filled.end]
            before += _spans(_far(earlier, kinds), filled.source)
            after += _spans(_far(later, kinds), filled.source)
    prefix = _without(filled.source, 0, filled.start, before)
    suffix = _without(filled.source, filled.end, len(filled.source), after)
    return Hole(hole.language, prefix, suffix)


def _far(nodes: Sequence[Node], kinds: Mapping[int, Part]) -> Sequence[Node]:
    """All but the nearest of these, of which comments are none: a block with nothing else would seem empty."""
    code = [at for at, node in enumerate(nodes) if kinds.get(node.kind_id) != "comment"]
    return nodes[code[_N_NEIGHBOURS - 1] + 1 :] if len(code) >= _N_NEIGHBOURS else []


def _spans(nodes: Iterable[Node], source: bytes) -> Iterator[Span]:
    """The whole lines of nodes that share their lines with nothing else."""
    for node in nodes:
        start = source.rfind(b"\n", 0, node.start_byte) + 1
        end = source.find(b"\n", node.end_byte) + 1 or len(source)
        alone = not source[start : node.start_byte].strip() and not source[node.end_byte : end].strip()
        while source[end : end + 1] == b"\n":
            end += 1
        if alone and node.is_named and not node.has_error and node.type not in _KEPT:
            yield start, end


def _without(source: bytes, start: int, end: int, spans: list[Span]) -> bytes:
    pieces = []
    for span_start, span_end in sorted(spans):
        pieces.append(source[start:span_start])
        start = max(start, span_end)
    return b"".join([*pieces, source[start:end]])
