"""What an objective makes of given files: the kinds it draws, how long the middles are, and how fast it is."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from midfill_context.syntax.grammars import parse
from midfill_training.objectives.examples import Example
from midfill_training.objectives.sampling import ObjectiveSettings, choose_example


@dataclass(frozen=True)
class Source:
    """A file to draw examples from; `language` is an id of `languages.toml`, or empty."""

    path: str
    language: str
    text: str


@dataclass(frozen=True)
class Kind:
    """One kind of example among those drawn: its share, and how many characters its middle has, median and most."""

    objective: str
    kind: str
    share: float
    median_chars: int
    max_chars: int


@dataclass(frozen=True)
class Survey:
    """Examples with the files they are from; speeds in bytes of source a second of one processor.

    `parse_speed` is what tree-sitter alone takes for the same sources: no choice of holes can be faster.
    """

    drawn: tuple[tuple[Source, Example], ...]
    kinds: tuple[Kind, ...]
    speed: float
    parse_speed: float


def survey(sources: Sequence[Source], count: int, rng: random.Random, settings: ObjectiveSettings) -> Survey:
    """Draw `count` examples from the sources in turn."""
    turns = [sources[number % len(sources)] for number in range(count)]
    for source in sources:  # grammars are loaded and tables read before the clock starts
        choose_example(source.text[:1000], source.language, random.Random(0), settings)
    started = time.process_time()
    drawn = tuple((source, choose_example(source.text, source.language, rng, settings)) for source in turns)
    chosen = time.process_time()
    for source in turns:
        parse(source.language, source.text.encode(errors="replace"))
    parsed = time.process_time()
    n_bytes = sum(len(source.text.encode(errors="replace")) for source in turns)
    kinds = _kinds([example for _, example in drawn])
    return Survey(drawn, kinds, n_bytes / max(chosen - started, 1e-9), n_bytes / max(parsed - chosen, 1e-9))


def _kinds(examples: Sequence[Example]) -> tuple[Kind, ...]:
    """The kinds, the most frequent first."""
    lengths: dict[tuple[str, str], list[int]] = {}
    for example in examples:
        lengths.setdefault((example.objective, example.kind), []).append(len(example.middle))
    kinds = (
        Kind(objective, kind, len(found) / len(examples), sorted(found)[len(found) // 2], max(found))
        for (objective, kind), found in lengths.items()
    )
    return tuple(sorted(kinds, key=lambda kind: (-kind.share, kind.objective, kind.kind)))
