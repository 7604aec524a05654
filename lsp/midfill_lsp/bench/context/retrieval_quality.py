"""Retrieval: how often the signature of what is called next stands among the snippets.

Calls of what another file defines are cut out of finished Python projects (`punching.py`); midfill and what it is
compared with (`contest.py`) get the same budget at the same cursors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_context.cursor import Snippet
from midfill_lsp.bench.context.contest import OURS, CountTokens, Turn, contest
from midfill_lsp.bench.context.punching import Call
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.scoring import Scorer


@dataclass(frozen=True)
class Answer:
    """What a method found at one cursor; `is_before_call`: before the whole call, so that its qualifier is gone too."""

    project: str
    place: str
    called: str
    is_before_call: bool
    method: str
    is_found: bool
    n_tokens: int


@dataclass(frozen=True)
class Share:
    """How often a method found the signature, in one project or in all (empty)."""

    project: str
    is_before_call: bool
    method: str
    found: Estimate
    mean_tokens: float


@dataclass(frozen=True)
class QualityResult:
    """`missed` are the cursors before a name whose signature our snippets lack: project, place, name, definition."""

    max_tokens: int
    shares: tuple[Share, ...]
    missed: tuple[str, ...]


def run(folders: Sequence[Path], n_cursors: int, max_tokens: int, progress: Progress, model: str = "") -> QualityResult:
    """Measure at `n_cursors`, spread evenly over the projects; tokens are those of `model`, or of the default model."""
    with Scorer(find_model(model or DEFAULT_MODEL).path, max_tokens) as scorer:
        answers = [
            answer
            for turn in contest(folders, n_cursors, max_tokens, scorer.count_tokens, progress)
            for answer in _answers(turn, scorer.count_tokens)
        ]
    return QualityResult(max_tokens, tuple(_shares(answers)), tuple(_missed(answers)))


def render(result: QualityResult) -> str:
    """The figures as a Markdown table."""
    rows = [
        f"| project | cursor before | method | signature within {result.max_tokens:,} tokens | mean tokens |",
        "|---|---|---|---|---|",
    ]
    for share in result.shares:
        before = "the whole call" if share.is_before_call else "the called name"
        rows.append(
            f"| {share.project or 'all'} | {before} | {share.method} | {100 * share.found.mean:.1f} % "
            f"[{100 * share.found.low:.1f}, {100 * share.found.high:.1f}], n = {share.found.n} "
            f"| {share.mean_tokens:,.0f} |"
        )
    return "\n".join(rows) + "\n"


def _answers(turn: Turn, count_tokens: CountTokens) -> Iterator[Answer]:
    call = turn.call
    for is_before_call in (False, True):
        cursor = call.cursor(is_before_call=is_before_call)
        for name, method in turn.methods.items():
            snippets = method(cursor)
            n_tokens = sum(count_tokens(snippet.chunk.text) for snippet in snippets)
            called = f"{call.place.name} of {call.place.path}"
            yield Answer(turn.project, call.where, called, is_before_call, name, _is_found(call, snippets), n_tokens)


def _is_found(call: Call, snippets: Sequence[Snippet]) -> bool:
    """Whether the signature stands in a snippet of the defining file, up to white space."""
    wanted = _bare(call.place.signature)
    return any(snippet.chunk.path == call.place.path and wanted in _bare(snippet.chunk.text) for snippet in snippets)


def _bare(text: str) -> str:
    return "".join(text.split())


def _shares(answers: Sequence[Answer]) -> Iterator[Share]:
    names = list(dict.fromkeys(answer.method for answer in answers))
    for is_before_call in (False, True):
        for project in ("", *dict.fromkeys(answer.project for answer in answers)):
            for method in names:
                some = [
                    answer
                    for answer in answers
                    if answer.is_before_call == is_before_call
                    and answer.method == method
                    and project in ("", answer.project)
                ]
                files = [f"{answer.project}/{answer.place.partition(':')[0]}" for answer in some]
                found = estimate([answer.is_found for answer in some], files)
                mean_tokens = sum(answer.n_tokens for answer in some) / len(some)
                yield Share(project, is_before_call, method, found, round(mean_tokens, 1))


def _missed(answers: Sequence[Answer]) -> Iterator[str]:
    for answer in answers:
        if answer.method == OURS and not answer.is_found and not answer.is_before_call:
            yield f"{answer.project}: {answer.place} {answer.called}"
