"""The order of a document's snippets from one request to the next.

A model need not read again what stands unchanged at the head of its prompt. So snippets stay where they are and new
ones are appended, until these no longer fit; then all are chosen and sorted anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from midfill_context.cursor import Snippet
from midfill_context.retrieval.candidates import Candidate, Said, is_within, said_by
from midfill_context.retrieval.choosing import Budget, Render, choose, snippets_of

# What is in the prompt counts a third more, lest the same few take each other's place with every keystroke.
_STAYS = 1.33
_SPARE = 0.1  # of the budget, at a fresh start: for what comes later


@dataclass(frozen=True)
class Placed:
    """A snippet of a prompt, with what its lines say and what it costs."""

    snippet: Snippet
    said: Said
    n_tokens: int


def placed_anew(
    candidates: Sequence[Candidate],
    placed: Sequence[Placed],
    known: Said,
    budget: Budget,
    render: Render,
    *,
    is_complete: bool = True,
) -> list[Placed]:
    """The snippets of the next prompt; `placed` are those of the last one, as far as they are still true.

    Candidates of a search that is not complete may be appended, but nothing is sorted anew for the sake of them.
    A snippet that nothing wants any more stays as well, with a score of 0, until its place is needed: to take it out
    would change the prompt from there on.
    """
    shown = [one.said for one in placed]

    def weight(candidate: Candidate) -> float:
        return candidate.score * (_STAYS if is_within(candidate.said, shown) else 1.0)

    ranked = sorted(candidates, key=weight, reverse=True) if placed else candidates
    chosen = choose(ranked, budget, known, int(budget.max_tokens * _SPARE))
    new = [candidate for candidate in chosen if not is_within(candidate.said, shown)]
    added = _placed(new, budget, render)
    is_fitting = sum(one.n_tokens for one in [*placed, *added]) <= budget.max_tokens
    if placed and (is_fitting or not is_complete):
        return [*(_scored(one, candidates) for one in placed), *(added if is_fitting else ())]
    return _placed(chosen, budget, render)


def _placed(candidates: Sequence[Candidate], budget: Budget, render: Render) -> list[Placed]:
    return [
        Placed(snippet, said_by(snippet.chunk.text), budget.cost(snippet.chunk))
        for snippet in snippets_of(candidates, render)
    ]


def _scored(placed: Placed, candidates: Sequence[Candidate]) -> Placed:
    scores = (candidate.score for candidate in candidates if is_within(candidate.said, [placed.said]))
    return replace(placed, snippet=replace(placed.snippet, score=max(scores, default=0.0)))
