"""Plain BM25 over windows of lines: what retrieval without syntax does, to compare with.

Robertson's BM25 with k1 = 1.5, b = 0.75 and Lucene's idf, which is never negative. Words count whole, in lower case.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from midfill_context.cursor import Chunk, Snippet

WINDOW_LINES = 20
_K1, _B = 1.5, 0.75
_WORD = re.compile(r"\w+")


class Windows:
    """All windows of some files, searchable; `texts` are the files by path."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._chunks = [chunk for path, text in texts.items() for chunk in _cut(path, text)]
        self._paths = np.array([chunk.path for chunk in self._chunks])
        counts = [_words(chunk.text) for chunk in self._chunks]
        lengths = np.array([sum(found.values()) for found in counts], dtype=np.float64)
        postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, found in enumerate(counts):
            for word, n_times in found.items():
                postings[word].append((number, n_times))
        damping = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1))
        self._scores = {word: _weighted(np.array(found), damping) for word, found in postings.items()}

    def search(self, query: str, paths: Collection[str]) -> Iterator[Snippet]:
        """The windows of some files, the best first."""
        scores = np.zeros(len(self._chunks))
        for word in _words(query):
            if word in self._scores:
                windows, added = self._scores[word]
                scores[windows] += added
        scores[~np.isin(self._paths, list(paths))] = 0
        for number in np.argsort(-scores, kind="stable"):
            if scores[number] <= 0:
                return
            yield Snippet(self._chunks[number], float(scores[number]), "BM25")


def _cut(path: str, text: str) -> Iterator[Chunk]:
    lines = text.split("\n")
    for start in range(0, len(lines), WINDOW_LINES):
        some = lines[start : start + WINDOW_LINES]
        yield Chunk(path, start + 1, start + len(some), "\n".join(some))


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(text))


def _weighted(
    postings: NDArray[np.int64], damping: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The windows with a word, and what the word adds to their scores."""
    windows, n_times = postings.T
    idf = np.log(1 + (len(damping) - len(windows) + 0.5) / (len(windows) + 0.5))
    return windows, idf * n_times * (_K1 + 1) / (n_times + damping[windows])
