"""BM25 over the files of a workspace, by the terms of their identifiers; kept up to date file by file.

bm25s and rank_bm25 build their index anew when one document changes. Here a file is put or removed in about a
millisecond: postings are arrays in no order, so that one leaves by the last one taking its place.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from midfill_context.retrieval.words import terms

K1, B = 1.2, 0.75
_COUNT_BITS, _MAX_COUNT = 8, 255  # a posting is the slot of a file and how often the term is in it


class TermIndex:
    """Files by number (`slot`); a slot that has become free is used again. For one thread at a time."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of terms
        self._postings: list[array[int]] = []
        self._slots: dict[str, int] = {}
        self._paths: list[str] = []
        self._terms: dict[str, array[int]] = {}  # of a file, by number
        self._lengths: array[float] = array("f")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, path: str, identifiers: Mapping[str, int]) -> None:
        """A file that is new or has changed."""
        self.remove(path)
        counts: Counter[int] = Counter()
        for word, count in identifiers.items():
            for term in terms(word):
                counts[self._number(term)] += count
        slot = self._slots[path] = self._slot(path)
        self._lengths[slot] = sum(counts.values())
        for number, count in counts.items():
            self._postings[number].append(slot << _COUNT_BITS | min(count, _MAX_COUNT))
        self._terms[path] = array("I", counts)

    def remove(self, path: str) -> None:
        """Forget a file; nothing happens where it is not known."""
        slot = self._slots.pop(path, None)
        if slot is None:
            return
        for number in self._terms.pop(path):
            postings = self._postings[number]
            at = int(np.flatnonzero(_view(postings) >> _COUNT_BITS == slot)[0])
            postings[at] = postings[-1]
            postings.pop()
        self._lengths[slot] = 0.0
        self._free.append(slot)

    def idf(self, some: Iterable[str], without: str = "") -> dict[str, float]:
        """How much terms tell in all files but one: little if they are in most. Those in none are left out."""
        own = set(self._terms.get(without, ()))
        n_files = len(self._slots) - (without in self._slots)
        told = {}
        for term in some:
            number = self._numbers.get(term)
            n_with = len(self._postings[number]) - (number in own) if number is not None else 0
            if n_with:
                told[term] = math.log(1 + (n_files - n_with + 0.5) / (n_with + 0.5))
        return told

    def best(self, query: Mapping[str, float], n: int, without: Collection[str] = ()) -> list[str]:
        """The files that fit a query, best first; the weights of its terms have their `idf` in them."""
        if not self._slots:
            return []
        lengths = np.frombuffer(self._lengths, dtype=np.float32)
        norms = K1 * (1 - B + B * lengths / (lengths.sum() / len(self._slots) + 1e-9))
        scores = np.zeros(len(lengths), dtype=np.float32)
        for term, weight in query.items():
            number = self._numbers.get(term)
            if number is not None:
                postings = _view(self._postings[number])
                slots, counts = postings >> _COUNT_BITS, postings & _MAX_COUNT
                scores[slots] += weight * (K1 + 1) * counts / (counts + norms[slots])
        for path in without:
            if path in self._slots:
                scores[self._slots[path]] = 0.0
        n = min(n, len(scores))
        top = np.argpartition(-scores, n - 1)[:n]
        return [self._paths[slot] for slot in top[np.argsort(-scores[top], kind="stable")] if scores[slot] > 0]

    def _number(self, term: str) -> int:
        number = self._numbers.setdefault(term, len(self._postings))
        if number == len(self._postings):
            self._postings.append(array("I"))
        return number

    def _slot(self, path: str) -> int:
        if self._free:
            slot = self._free.pop()
            self._paths[slot] = path
            return slot
        self._paths.append(path)
        self._lengths.append(0.0)
        return len(self._paths) - 1


def _view(postings: array[int]) -> npt.NDArray[np.uint32]:
    """The same memory; it must be gone before the array grows."""
    return np.frombuffer(postings, dtype=np.uint32)
