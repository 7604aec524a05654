"""SFIM: a hole around whole structures of the syntax, where somebody's cursor may stand (PAPER.md section 2)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, fields

from midfill_context.syntax.grammars import parse
from midfill_context.syntax.parts import parts
from midfill_training.errors import BadInput
from midfill_training.objectives.code import Code
from midfill_training.objectives.spans import Hole, KindWeights, find_hole

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class HoleSettings:
    """Which holes are made; the shares are probabilities, and what remains begins where its structure does."""

    weights: KindWeights = field(default_factory=KindWeights)
    typed_share: float = 0.5  # begin behind characters of the structure: completions are asked for while somebody types
    line_share: float = 0.2  # begin before the indentation, or at a line end above: they are asked for after Enter too
    max_middle_bytes: int = 1200  # some 350 tokens: no editor shows more, and no laptop writes more in time

    def __post_init__(self) -> None:
        weights = {each.name: getattr(self.weights, each.name) for each in fields(KindWeights)}
        if min(weights.values()) < 0 or not any(weights.values()):
            raise BadInput(f"the weights of holes are {weights}; none may be negative, and one must be more than 0")
        if min(self.typed_share, self.line_share) < 0 or self.typed_share + self.line_share > 1:
            raise BadInput(
                f"typed_share is {self.typed_share} and line_share {self.line_share}; they are shares of one whole"
            )
        if self.max_middle_bytes < 1:
            raise BadInput(f"max_middle_bytes is {self.max_middle_bytes}; a middle has at least one byte")


def syntax_hole(text: str, language: str, rng: random.Random, settings: HoleSettings) -> Hole | None:
    """A hole in characters of `text`; None where the language has no grammar or the tree nothing whole to cut out."""
    hole = structure_hole(text, language, rng, settings)
    return None if hole is None else at_cursor(hole, text, rng, settings)


def structure_hole(text: str, language: str, rng: random.Random, settings: HoleSettings) -> Hole | None:
    """A hole of whole structures, in characters of `text`, before a cursor is put to it."""
    source = text.encode(errors="replace")
    tree = parse(language, source)
    if tree is None:
        return None
    hole = find_hole(Code(source, tree.root_node, parts(language), settings.max_middle_bytes), settings.weights, rng)
    return hole if hole is None or len(source) == len(text) else in_characters(hole, source)


def in_characters(hole: Hole, source: bytes) -> Hole:
    """A hole whose offsets are bytes of `source`, in characters."""
    start = len(source[: hole.start].decode())
    return Hole(hole.kind, start, start + len(source[hole.start : hole.end].decode()))


def at_cursor(hole: Hole, text: str, rng: random.Random, settings: HoleSettings) -> Hole:
    """The hole as a cursor would have it: its start moved, and without the line end that some structures include."""
    start, end = hole.start, hole.end
    while end > start and text[end - 1] == "\n":
        end -= 1
    drawn = rng.random()
    if start == end:
        pass
    elif drawn < settings.typed_share:
        start = _typed(text, start, end, rng)
    elif drawn < settings.typed_share + settings.line_share:
        start = _on_line(text, start, rng)
    return Hole(hole.kind, start, end)


def _typed(text: str, start: int, end: int, rng: random.Random) -> int:
    """A place in the first line of the hole, with something left to write: between two tokens or anywhere."""
    line_end = text.find("\n", start, end)
    last = end - 1 if line_end < 0 else line_end
    between = [token.start() for token in _TOKEN.finditer(text, start + 1, last + 1)]
    return rng.choice(between) if between and rng.random() < 0.5 else rng.randint(min(start + 1, last), last)


def _on_line(text: str, start: int, rng: random.Random) -> int:
    """A line end between the hole and the text before it, or the start of the hole's line; else where it is."""
    gap = start - len(text[:start].rstrip())
    line_ends = [at for at in range(start - gap, start) if text[at] == "\n"]
    return rng.choice([*line_ends, line_ends[-1] + 1]) if line_ends else start
