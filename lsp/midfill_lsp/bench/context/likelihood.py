"""What snippets are worth to the model: how likely it finds the true text of a call, with and without them.

The cursors are those of `contest.py`, before the called name. Every prompt has at most the same number of tokens: what
snippets take, the file before the cursor loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_lsp.bench.context.contest import BM25, OURS, contest
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.scoring import MAX_TEXT_TOKENS, Score, Scorer

NONE = "no snippets"
METHODS = (OURS, BM25, NONE)


@dataclass(frozen=True)
class MethodLikelihood:
    """Natural logarithms of the probability of the true line, and `gain`: how much more likely it is with ours."""

    method: str
    line: Estimate
    per_token: float
    gain: Estimate
    mean_prompt_tokens: float
    mean_snippet_tokens: float


@dataclass(frozen=True)
class LikelihoodResult:
    """What each method came to, on the same cursors of `n_files` files."""

    model: str
    max_prompt_tokens: int
    max_snippet_tokens: int
    n_files: int
    methods: tuple[MethodLikelihood, ...]


def run(
    folders: Sequence[Path],
    n_cursors: int,
    max_prompt_tokens: int,
    max_snippet_tokens: int,
    progress: Progress,
    model: str = "",
) -> LikelihoodResult:
    """Score `n_cursors`, spread evenly over the projects, with `model` or the default model."""
    found = find_model(model or DEFAULT_MODEL)
    files: list[str] = []
    scores: dict[str, list[Score]] = {method: [] for method in METHODS}
    with Scorer(found.path, max_prompt_tokens + MAX_TEXT_TOKENS) as scorer:
        for turn in contest(folders, n_cursors, max_snippet_tokens, scorer.count_tokens, progress):
            files.append(f"{turn.project}/{turn.call.path}")
            cursor = turn.call.cursor()
            for name, known in scores.items():
                snippets = turn.methods[name](cursor) if name in turn.methods else ()
                known.append(scorer.score(cursor, snippets, turn.call.line, max_prompt_tokens))
    summary = tuple(_summary(name, scores, files) for name in scores)
    return LikelihoodResult(found.name, max_prompt_tokens, max_snippet_tokens, len(set(files)), summary)


def render(result: LikelihoodResult) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| snippets | log-likelihood of the line | per token | ours above it | prompt tokens, of which snippets |",
        "|---|---|---|---|---|",
    ]
    for found in result.methods:
        gain = "" if found.method == OURS else str(found.gain)
        rows.append(
            f"| {found.method} | {found.line}, n = {found.line.n} | {found.per_token:.3f} | {gain} "
            f"| {found.mean_prompt_tokens:,.0f}, {found.mean_snippet_tokens:,.0f} |"
        )
    return "\n".join(rows) + "\n"


def _summary(name: str, scores: Mapping[str, Sequence[Score]], files: Sequence[str]) -> MethodLikelihood:
    own = scores[name]
    n_cursors, n_tokens = len(own), sum(score.n_tokens for score in own)
    return MethodLikelihood(
        name,
        estimate([score.logprob for score in own], files),
        round(sum(score.logprob for score in own) / n_tokens, 4),
        estimate([ours.logprob - score.logprob for ours, score in zip(scores[OURS], own, strict=True)], files),
        round(sum(score.n_prompt_tokens for score in own) / n_cursors, 1),
        round(sum(score.n_snippet_tokens for score in own) / n_cursors, 1),
    )
