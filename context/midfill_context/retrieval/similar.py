"""Chunks of other files that are like the code at a cursor: files by BM25 over identifiers, then lines in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from heapq import nlargest

from midfill_context.cursor import Cursor
from midfill_context.index.view import IndexView
from midfill_context.languages import language_of
from midfill_context.retrieval.surroundings import Surroundings
from midfill_context.retrieval.term_index import TermIndex
from midfill_context.retrieval.texts import Texts
from midfill_context.retrieval.windows import Similarity, Window, best_window
from midfill_context.retrieval.words import terms

_N_FILES = 6
_N_TERMS = 20
_PART = 0.5  # what a part of an identifier counts beside the whole of it
_MIN_NEARNESS = 0.3
_FAMILIES = {"typescript": "javascript", "cpp": "c", "kotlin": "java"}


class SimilarChunks:
    """The files of a workspace by their words. `refresh` and `find` may run in different threads."""

    def __init__(self, view: IndexView, texts: Texts) -> None:
        self._view = view
        self._texts = texts
        self._lock = threading.Lock()
        self._indexes: dict[str, TermIndex] = {}
        self._generation = 0
        self._waiting: dict[str, None] = {}  # in order, so that the same files always give the same index

    def refresh(self, max_ms: float) -> bool:
        """Take in changed files for so long; True while there are more."""
        end = time.perf_counter() + max_ms / 1000
        self._generation, changed = self._view.changed_since(self._generation)
        self._waiting |= dict.fromkeys(sorted(changed))
        while self._waiting and time.perf_counter() < end:
            self._take_in(self._waiting.popitem()[0])
        return bool(self._waiting)

    def find(
        self, cursor: Cursor, around: Surroundings, similarity: Similarity, is_late: Callable[[], bool]
    ) -> Iterator[tuple[str, Window]]:
        """The most similar window of each of the most similar files, best first."""
        with self._lock:
            index = self._indexes.get(_family(cursor.language))
            if index is None:
                return
            query = _query(around, index, cursor.path)
            paths = index.best(query, _N_FILES, without=[cursor.path])
        found = []
        for path in paths:
            if is_late():
                break
            window = best_window(self._texts.of(path), query, similarity)
            if window:
                found.append((path, window))
        yield from sorted(found, key=lambda item: -item[1].score)

    def _take_in(self, path: str) -> None:
        facts, language = self._view.facts(path), language_of(path)
        with self._lock:
            index = self._indexes.setdefault(_family(language.id if language else ""), TermIndex())
            if facts is None:
                index.remove(path)
            else:
                index.put(path, facts.identifiers)


def _query(around: Surroundings, index: TermIndex, path: str) -> dict[str, float]:
    """The terms around a cursor that tell most, by nearness and by rarity in other files."""
    weights: dict[str, float] = {}
    for chain, nearness in around.near.items():
        if nearness >= _MIN_NEARNESS:
            for word in chain:
                for n, term in enumerate(terms(word)):
                    weights[term] = max(weights.get(term, 0.0), nearness * (_PART if n else 1.0))
    told = {term: weights[term] * idf for term, idf in index.idf(weights, path).items()}
    return {term: told[term] for term in nlargest(_N_TERMS, told, key=told.__getitem__)}


def _family(language: str) -> str:
    """Languages whose files have code in common count as one."""
    name = language.removesuffix("react")
    return _FAMILIES.get(name, name)
