"""What the sources propose, in one ranking: fused by reciprocal rank, near-duplicates told by their lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from midfill_context.syntax.definitions import Definition

K = 60  # of reciprocal-rank fusion
_OVERLAP = 0.5  # of the lines of the shorter chunk: the same place
_SAME = 0.7  # of the lines of a text, in another one: nothing new
_ENDS = " .:;{}"  # of lines: what begins a body or stands for one
_MIN_LINE = 4  # characters; shorter lines say nothing

Source = Literal["definitions", "similar", "recent"]
Said = frozenset[str]


@dataclass(frozen=True)
class Candidate:
    """Some lines of a file that a source proposes; `definition` is the one that they show, where that is all they do.

    The text is made when it is first asked for: most candidates are never looked at.
    """

    source: Source
    path: str
    first_line: int
    last_line: int
    why: str
    make_text: Callable[[], str]
    definition: Definition | None = None
    score: float = 0.0

    @cached_property
    def text(self) -> str:
        return self.make_text()

    @cached_property
    def said(self) -> Said:
        return said_by(self.text)


def said_by(text: str) -> Said:
    """The lines of a text that say something, without their indentation and their ends."""
    lines = (line.strip().rstrip(_ENDS) for line in text.split("\n"))
    return frozenset(line for line in lines if len(line) >= _MIN_LINE)


def is_within(said: Said, others: Iterable[Said | set[str]]) -> bool:
    """Whether nearly all of the lines stand in one of the others as well."""
    return any(len(said & other) >= _SAME * len(said) for other in others)


def fused(rankings: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """All candidates, best first. Where several sources point at one place of a file, that counts for it."""
    found: list[Candidate] = []
    places: defaultdict[str, list[int]] = defaultdict(list)  # of the chunks that are no definitions
    for ranking in rankings:
        for rank, candidate in enumerate(ranking, 1):
            scored = replace(candidate, score=1 / (K + rank))
            same = places[scored.path] if scored.definition is None else []
            at = next((at for at in same if _overlap(found[at], scored)), None)
            if at is None:
                same.append(len(found))
                found.append(scored)
            else:
                why = f"{found[at].why}; {scored.why}"
                found[at] = replace(found[at], score=found[at].score + scored.score, why=why)
    return sorted(found, key=lambda candidate: -candidate.score)


def _overlap(a: Candidate, b: Candidate) -> bool:
    n_shared = min(a.last_line, b.last_line) - max(a.first_line, b.first_line) + 1
    return n_shared > _OVERLAP * (min(a.last_line - a.first_line, b.last_line - b.first_line) + 1)
