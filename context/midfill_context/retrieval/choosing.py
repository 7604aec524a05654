"""Chooses from ranked candidates what fits a budget and is no repetition, and makes snippets of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from midfill_context.cursor import Chunk, Snippet
from midfill_context.retrieval.candidates import Candidate, Said, Source, is_within, said_by
from midfill_context.syntax.definitions import Definition

_N_REASONS = 3
_LEAST_TOKENS = 8  # nothing is shorter

Render = Callable[[str, Sequence[Definition]], Chunk]  # definitions of one file as a chunk


@dataclass(frozen=True)
class Budget:
    """How many tokens snippets may have, which share of them each source is sure of, and what a chunk costs."""

    max_tokens: int
    shares: Mapping[Source, float]
    cost: Callable[[Chunk], int]


def choose(candidates: Iterable[Candidate], budget: Budget, known: Said, n_spare_tokens: int = 0) -> list[Candidate]:
    """The best candidates that fit and say something that neither `known` nor the others do; some tokens stay free.

    A source gets more than its share only of what the others leave over.
    """
    choice = _Choice(budget.cost, [known])
    max_tokens = budget.max_tokens - n_spare_tokens
    too_long = []
    for candidate in candidates:
        left = max_tokens - choice.spent.total()
        share = int(budget.max_tokens * budget.shares[candidate.source]) - choice.spent[candidate.source]
        if not choice.takes(candidate, min(left, share)):
            too_long.append(candidate)
    for candidate in too_long:
        choice.takes(candidate, max_tokens - choice.spent.total())
    return [candidate for candidate, _ in choice.taken]


@dataclass
class _Choice:
    """What is taken so far, with its tokens; `groups` are the lines of the definitions of one file."""

    cost: Callable[[Chunk], int]
    seen: list[Said | set[str]]
    taken: list[tuple[Candidate, int]] = field(default_factory=list)
    groups: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    spent: Counter[Source] = field(default_factory=Counter)

    def takes(self, candidate: Candidate, max_tokens: int) -> bool:
        """Take a candidate that is new and not too long. False if it is too long."""
        if max_tokens < _LEAST_TOKENS:
            return False
        if is_within(candidate.said, self.seen):
            return True
        n_tokens = self.cost(self._added(candidate))
        if n_tokens > max_tokens:
            return False
        self.taken.append((candidate, n_tokens))
        self.spent[candidate.source] += n_tokens
        if candidate.definition is None:
            self.seen.append(candidate.said)
            self._give_back(candidate)
        else:
            group = self.groups[candidate.path]
            if not group:
                self.seen.append(group)
            group |= candidate.said
        return True

    def _give_back(self, chunk: Candidate) -> None:
        """The definitions that a chunk shows, bodies and all, need not be there apart."""
        for taken in list(self.taken):
            candidate, n_tokens = taken
            if candidate.definition and candidate.path == chunk.path and is_within(candidate.said, [chunk.said]):
                self.taken.remove(taken)
                self.spent[candidate.source] -= n_tokens

    def _added(self, candidate: Candidate) -> Chunk:
        """What a candidate adds: of a definition what is not there already, such as the head of its class."""
        path, text = candidate.path, candidate.text
        if candidate.definition and path in self.groups:
            group, path = self.groups[path], ""
            text = "\n".join(line for line in text.split("\n") if not said_by(line) <= group)
        return Chunk(path, candidate.first_line, candidate.last_line, text)


def snippets_of(candidates: Iterable[Candidate], render: Render) -> list[Snippet]:
    """Definitions, those of one file as one snippet, then code to go on from; of each the most relevant last."""
    lines = []
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        if one.definition:
            groups[one.path].append(one)
        else:
            lines.append(Snippet(Chunk(one.path, one.first_line, one.last_line, one.text), one.score, one.why))
    definitions = []
    for path, group in groups.items():
        chunk = render(path, [one.definition for one in group if one.definition])
        definitions.append(Snippet(chunk, max(one.score for one in group), _why(group)))
    return [*sorted(definitions, key=_score), *sorted(lines, key=_score)]


def _score(snippet: Snippet) -> float:
    return snippet.score


def _why(group: Sequence[Candidate]) -> str:
    return "; ".join(list(dict.fromkeys(candidate.why for candidate in group))[:_N_REASONS])
