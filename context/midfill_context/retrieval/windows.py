"""The part of a file that is most like the code at a cursor, with the lines that follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from midfill_context.retrieval.texts import Text
from midfill_context.retrieval.words import WORD, terms

Similarity = Literal["bm25", "jaccard"]

N_COMPARED = 12  # lines that are compared with the code at the cursor
N_SHOWN = 20  # with those that follow: what stood after similar code is what the user is about to write
_STEP = 4  # windows begin at every fourth line, so that they are the same ones from request to request
_N_EXACT = 4  # windows of a file for which Jaccard's measure is taken
_K1 = 1.2


class Window(NamedTuple):
    """Some lines of a file, which count from 1, and how similar their first part is."""

    first_line: int
    last_line: int
    score: float


def best_window(text: Text, query: Mapping[str, float], similarity: Similarity) -> Window | None:
    """The best window of a file for a query of weighted terms; None where nothing is similar."""
    n_lines = len(text.lines)
    starts = np.arange(0, max(1, n_lines - N_COMPARED // 2), _STEP)
    counts = _counts(text, list(query), starts)
    scores = (counts * (_K1 + 1) / (counts + _K1)) @ np.fromiter(query.values(), dtype=np.float64)
    best = int(np.argmax(scores))
    score = float(scores[best])
    if similarity == "jaccard":
        some = np.argsort(-scores, kind="stable")[:_N_EXACT]
        score, best = max((_jaccard(text.lines[starts[at] :][:N_COMPARED], query), -int(at)) for at in some)
        best = -best
    first = int(starts[best]) + 1
    return Window(first, min(first + N_SHOWN - 1, n_lines), score) if score > 0 else None


def _counts(text: Text, query: Sequence[str], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How often each window has each term. Looked up as text, which is ten times faster than by words."""
    n_lines, n_terms = len(text.lines), len(query)
    places = [_places(text.lowered, term.encode()) for term in query]
    rows = np.searchsorted(text.line_starts, np.concatenate(places), side="right")
    columns = np.repeat(np.arange(n_terms), [len(found) for found in places])
    sums = np.bincount(rows * n_terms + columns, minlength=(n_lines + 1) * n_terms)
    sums = sums.reshape(n_lines + 1, n_terms).cumsum(axis=0)
    found: npt.NDArray[np.int64] = sums[np.minimum(starts + N_COMPARED, n_lines)] - sums[starts]
    return found


def _places(text: bytes, term: bytes) -> npt.NDArray[np.int64]:
    """Where a term begins in a text."""
    between = [len(part) + len(term) for part in text.split(term)]
    return np.cumsum(between[:-1], dtype=np.int64) - len(term)


def _jaccard(lines: Sequence[str], query: Mapping[str, float]) -> float:
    """The share of the terms of a window and the query that both have."""
    found = {term for line in lines for word in WORD.findall(line) for term in terms(word)}
    return len(found & query.keys()) / len(found | query.keys())
