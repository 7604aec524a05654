"""The text of a corpus that a tokenizer learns from: all of it, or files drawn evenly from everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from midfill_training.corpus.documents import SourceFile, read_projects
from midfill_training.errors import BadInput


@dataclass(frozen=True)
class CorpusText:
    """A corpus and the share of its files that is read; `n_bytes` by language are of the whole corpus."""

    corpus: Path
    share: float
    n_bytes: Mapping[str, int]

    def files(self) -> Iterator[SourceFile]:
        """The files that are read, in the order of the corpus: the same ones each time."""
        return (file for file in _files(self.corpus) if _draw(file) < self.share)


def corpus_text(corpus: Path, max_bytes: int) -> CorpusText:
    """As much of a corpus as `max_bytes`, give or take a file. Raises BadInput for a corpus without text."""
    n_bytes: Counter[str] = Counter()
    for file in _files(corpus):
        n_bytes[file.language] += len(file.text.encode(errors="replace"))
    if not n_bytes.total():
        raise BadInput(f"{corpus}: holds no text to learn a tokenizer from")
    return CorpusText(corpus, min(max_bytes / n_bytes.total(), 1.0), n_bytes)


def _files(corpus: Path) -> Iterator[SourceFile]:
    return (file for project in read_projects(corpus) for file in project.files)


def _draw(file: SourceFile) -> float:
    """A number from 0 to 1 that depends on nothing but which file this is."""
    name = f"{file.project}\0{file.path}".encode(errors="replace")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") / 2**64
