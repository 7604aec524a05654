"""CrossCodeEval's chunks of other files, in the order that its retrieval gave them and in ours.

A case is a place in a file, the text that follows there and some chunks; the repository is not at hand. The chunks
become the files of a workspace, and what counts is how many identifiers of the text stand in what fits the budget: of
all, and of those that the file itself does not hold.
"""

from __future__ import annotations

import gzip
import json
import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_lsp.bench.context.contest import OURS, CountTokens, filled, our_method
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.scoring import Scorer

GIVEN = "order given"
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Recall:
    """The share of a true text's identifiers that the chunks hold; `gain` is that of ours over the order given.

    `is_new`: only identifiers count that the file does not hold, and only cases that have some.
    """

    max_tokens: int
    is_new: bool
    given: Estimate
    ours: Estimate
    gain: Estimate


def run(data: Path, budgets: Sequence[int], progress: Progress, model: str = "") -> tuple[Recall, ...]:
    """The recall at each budget in tokens; `data` are cases as JSON lines, gzipped. ValueError where they are not."""
    cases = list(_cases(data))
    if not cases:
        raise ValueError(f"{data} has no cases")
    with Scorer(find_model(model or DEFAULT_MODEL).path, max(budgets)) as scorer:
        return tuple(
            recall for max_tokens in budgets for recall in _recalls(cases, max_tokens, scorer.count_tokens, progress)
        )


def render(recalls: Iterable[Recall]) -> str:
    """The figures as a Markdown table."""
    rows = [f"| tokens | identifiers | {GIVEN} | {OURS} | gain |", "|---|---|---|---|---|"]
    for found in recalls:
        what = "not in the file" if found.is_new else "all"
        rows.append(
            f"| {found.max_tokens} | {what}, n = {found.ours.n} | {found.given} | {found.ours} | {found.gain} |"
        )
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class _Case:
    repository: str
    cursor: Cursor
    wanted: frozenset[str]
    given: tuple[Snippet, ...]

    @property
    def new(self) -> frozenset[str]:
        """The wanted identifiers that the file does not hold."""
        return self.wanted.difference(_IDENTIFIER.findall(f"{self.cursor.prefix} {self.cursor.suffix}"))


def _cases(data: Path) -> Iterator[_Case]:
    """The cases whose true text has identifiers and that bring chunks."""
    try:
        with gzip.open(data, "rt", encoding="utf-8") as lines:
            for line in lines:
                case = _case(json.loads(line))
                if case.wanted and case.given:
                    yield case
    except (KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{data} has no cases of CrossCodeEval with chunks: {error}") from error


def _case(row: dict[str, Any]) -> _Case:
    chunks = row["crossfile_context"]["list"]
    return _Case(
        row["metadata"]["repository"],
        Cursor(row["metadata"]["file"], "python", row["prompt"], row["right_context"]),
        frozenset(_IDENTIFIER.findall(row["groundtruth"])) - frozenset(keyword.kwlist),
        tuple(Snippet(Chunk(each["filename"], 1, 1, each["retrieved_chunk"]), 0.0, GIVEN) for each in chunks),
    )


def _recalls(
    cases: Sequence[_Case], max_tokens: int, count_tokens: CountTokens, progress: Progress
) -> Iterator[Recall]:
    found: list[tuple[_Case, set[str], set[str]]] = []
    for number, case in enumerate(cases, 1):
        progress(f"{max_tokens} tokens: {number} of {len(cases)}")
        with TemporaryDirectory(prefix="midfill-bench-") as made:
            folder = Path(made).resolve()
            _write(case, folder)
            with our_method(folder, max_tokens, count_tokens) as method:
                ours = _identifiers(method(case.cursor))
        found.append((case, _identifiers(filled(case.given, max_tokens, count_tokens)), ours))
    for is_new in (False, True):
        rows = [(case, case.new if is_new else case.wanted, given, ours) for case, given, ours in found]
        shares = [
            (case.repository, len(wanted & given) / len(wanted), len(wanted & ours) / len(wanted))
            for case, wanted, given, ours in rows
            if wanted
        ]
        if shares:
            repositories, given_shares, our_shares = zip(*shares, strict=True)
            gains = [own - other for _, other, own in shares]
            values = (given_shares, our_shares, gains)
            yield Recall(max_tokens, is_new, *(estimate(each, repositories) for each in values))


def _write(case: _Case, folder: Path) -> None:
    """Each chunk as a file; several of one file stand side by side."""
    for number, snippet in enumerate(case.given):
        place = folder / snippet.chunk.path
        place = place if not place.exists() else place.with_stem(f"{place.stem}_{number}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(snippet.chunk.text, encoding="utf-8")


def _identifiers(snippets: Iterable[Snippet]) -> set[str]:
    return {name for snippet in snippets for name in _IDENTIFIER.findall(snippet.chunk.text)}
