"""Holes in a syntax tree: a contiguous run of whole children of one node, by the kind of what is cut out.

PAPER.md section 2: a node is chosen, then a part of its children, so that prefix and suffix stand on one level and the
middle is complete. Here a place in the file is drawn first, and the node is one of those that contain it: tree-sitter
finds them in microseconds, where a walk over the whole tree would take longer than parsing. Offsets are bytes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

from midfill_context.syntax.parts import Part
from midfill_training.objectives.code import Code, Run

if TYPE_CHECKING:
    from tree_sitter import Node

N_PLACES = 20  # tried for a kind before another kind gets its turn
_BLANK = re.compile(rb"\s*")


@dataclass(frozen=True)
class KindWeights:
    """How often each kind of hole is wanted; what a file does not have goes to the other kinds.

    The first three are what somebody sees who types, line after line: they make up more than half.
    """

    single_line: float = 0.32  # the completion that is shown most: an editor shows one line until more is sure
    expression: float = 0.14  # a right-hand side, an operand, an element
    arguments: float = 0.10  # behind an opening bracket, where editors ask by themselves
    condition: float = 0.06  # PAPER.md's worked example
    signature: float = 0.05  # one of FIM-Eval's scenarios, as are body, block (top, mid, bottom) and control
    body: float = 0.09
    block: float = 0.09
    control: float = 0.05
    definition: float = 0.02  # few are short enough to be written in one go
    imports: float = 0.02
    comment: float = 0.02
    string: float = 0.01  # prose, which a small model cannot guess
    empty: float = 0.04  # without them a model never learns to stay silent


KINDS: tuple[str, ...] = tuple(each.name for each in fields(KindWeights))


@dataclass(frozen=True)
class Hole:
    """What is cut out, from `start` to `end`."""

    kind: str
    start: int
    end: int


Cutter = Callable[[Code, Sequence["Node"], int, random.Random], "Run | None"]


def find_hole(code: Code, weights: KindWeights, rng: random.Random) -> Hole | None:
    """A hole; None where nothing whole can be cut out, as in an empty file or one that does not parse."""
    if not code.source.strip():
        return None
    for kind in _in_turn(weights, rng):
        for _ in range(N_PLACES):
            byte = rng.randrange(len(code.source))
            nodes = code.nodes_at(byte)
            run = CUTTERS[kind](code, nodes, byte, rng) if nodes else None
            if run is not None and (kind == "empty" or code.fits(*run)):
                return Hole(kind, *run)
    return None


def _in_turn(weights: KindWeights, rng: random.Random) -> list[str]:
    """The kinds in an order in which each is first as often as its weight says, and so on with the rest."""
    wanted = {kind: getattr(weights, kind) for kind in KINDS}
    return sorted((kind for kind in KINDS if wanted[kind]), key=lambda kind: -(rng.random() ** (1 / wanted[kind])))


def _single_line(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """All of a line, where that is whole: a statement, a header that opens a block, an entry of a table."""
    return code.run_on(*code.line_at(byte), but=("comment", "string", "imports"))


def _expression(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """Some of the children of a statement or an expression, to its end half of the time."""
    inside = [node for node in nodes if node.kind_id not in code.parts and node.child_count > 1 and code.is_small(node)]
    if not inside:
        return None
    children = rng.choice(inside).children
    first = rng.randrange(len(children))
    last = len(children) - 1 if rng.random() < 0.5 else rng.randrange(first, len(children))
    run = _run(children[first : last + 1])
    return None if run is None or code.starts_line(run[0]) else run


def _arguments(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """Some arguments, mostly up to the last one; sometimes with the closing bracket, which not every editor writes."""
    lists = code.of("arguments", nodes)
    if not lists:
        return None
    children = rng.choice(lists).children
    named = [at for at, child in enumerate(children) if child.is_named]
    if not named:
        return None
    first, drawn = rng.choice(named), rng.random()
    if drawn < 0.25:
        last = len(children) - 1
    else:
        last = named[-1] if drawn < 0.75 else rng.choice([at for at in named if at >= first])
    return _run(children[first : last + 1])


def _header(part: Part, code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """What stands before a body, from some word on, with or without the sign that opens the body."""
    around = [node for node in nodes if code.parts.get(node.kind_id) == part]
    if not around:
        return None
    header = _before_body(rng.choice(around), code)
    named = [at for at, child in enumerate(header) if child.is_named]
    if not named:
        return None
    first, last = rng.choice(named), len(header) - 1
    if not header[last].is_named and rng.random() < 0.5:
        last -= 1
    return _run(header[first : last + 1])


def _before_body(node: Node, code: Code) -> list[Node]:
    """The children before the body; where a grammar gives statements no node of their own, up to the condition."""
    children = node.children
    for at, child in enumerate(children):
        if code.parts.get(child.kind_id) == "body" or node.field_name_for_child(at) in ("body", "consequence"):
            return children[:at]
    stated = [at for at in range(len(children)) if node.field_name_for_child(at) in ("condition", "value")]
    return children[: stated[-1] + 1] if stated else []


def _body(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """All that a body contains but the words about it at its start, or the body with its brackets."""
    bodies = code.of("body", nodes)
    if not bodies:
        return None
    children = rng.choice(bodies).children
    named = [at for at, child in enumerate(children) if child.is_named]
    first = next((at for at in named if not code.is_prose(children[at])), None)
    if first is None:
        return None
    with_brackets = not children[0].is_named and rng.random() < 0.3
    return _run(children if with_brackets else children[first : named[-1] + 1])


def _block(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """Several whole lines on one level, to the end of what contains them a third of the time."""
    starts = [
        node
        for node in nodes
        if node.is_named and code.is_small(node) and code.starts_line(node.start_byte) and not code.is_prose(node)
    ]
    if not starts:
        return None
    start = last = at = rng.choice(starts)
    go_on = 1.0 if rng.random() < 0.33 else 0.6
    while rng.random() < go_on:
        following = at.next_sibling
        if following is None or following.end_byte - start.start_byte > code.max_bytes or following.has_error:
            break
        if not following.is_named and code.starts_line(following.start_byte):  # the bracket that closes the body
            break
        at = following
        if not code.is_prose(at):  # a comment belongs to what comes after it
            last = at
    run = _run([start, last])
    return run if run and b"\n" in code.source[slice(*run)].strip() and code.ends_line(run[1]) else None


def _whole(part: Part, code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """A structure of several lines, header and body."""
    found = [
        node
        for node in code.of(part, nodes)
        if node.end_point.row > node.start_point.row and code.starts_line(node.start_byte)
    ]
    return _run([rng.choice(found)]) if found else None


def _imports(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """An import, from its start or from one of its names on; most stand at the top of a file, where few places are."""
    found = code.of("imports", nodes) or code.of("imports", code.root.children)
    children = rng.choice(found).children if found else []
    return _run(children[0 if rng.random() < 0.5 else rng.randrange(len(children)) :]) if children else None


def _comment(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """A comment or a docstring; half of the time with the comment that follows, and so on."""
    first = last = next((node for node in nodes if code.is_prose(node)), None)
    while last is not None and rng.random() < 0.5:
        following = last.next_sibling
        if following is None or not code.is_prose(following):
            break
        last = following
    return None if first is None or last is None else _run([first, last])


def _string(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """What stands between the quotes."""
    strings = [node for node in code.of("string", nodes) if node.child_count > 2]
    return _run(strings[-1].children[1:-1]) if strings and not code.starts_line(strings[-1].start_byte) else None


def _empty(code: Code, nodes: Sequence[Node], byte: int, rng: random.Random) -> Run | None:
    """A place where nothing is missing: behind a node, or on a blank line after one that ends its line."""
    ends = sorted({node.end_byte for node in nodes})
    at_line_end = [end for end in ends if code.ends_line(end)]
    at = rng.choice(at_line_end if at_line_end and rng.random() < 0.7 else ends)
    following = _BLANK.match(code.source, at)
    blank = [at + found.end() for found in re.finditer(rb"\n(?=[ \t]*\n)", following[0])] if following else []
    at = rng.choice([at, *blank])
    return at, at


def _run(nodes: Sequence[Node]) -> Run | None:
    """From the first to the last of these; None where one of them is broken."""
    if not nodes or any(node.has_error for node in nodes):
        return None
    return nodes[0].start_byte, nodes[-1].end_byte


CUTTERS: Mapping[str, Cutter] = {
    "single_line": _single_line,
    "expression": _expression,
    "arguments": _arguments,
    "condition": partial(_header, "control"),
    "signature": partial(_header, "definition"),
    "body": _body,
    "block": _block,
    "control": partial(_whole, "control"),
    "definition": partial(_whole, "definition"),
    "imports": _imports,
    "comment": _comment,
    "string": _string,
    "empty": _empty,
}
