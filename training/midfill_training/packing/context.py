"""Pieces of other files to put in front of a document, as the server puts snippets in front of a cursor.

They come from the files before it in the order, so they are what it imports, what is like it or what lies beside it;
the nearer ones first. The server sends chunks that bear on the cursor; that is imitated by the words which a chunk
shares with the text around the hole, and must not look at the middle. Whole files, or their heads, are what other
tools send.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from midfill_context.cursor import Chunk
from midfill_training.corpus.documents import SourceFile
from midfill_training.objectives.examples import Example
from midfill_training.packing.pieces import MIN_BYTES, pieces_of

N_NEAR = 16  # files that are looked at: as many as the paper's window holds
CHUNK_BYTES = 1200  # some 350 tokens: a function, or a few
PREFIX_CHARACTERS, SUFFIX_CHARACTERS = 1500, 500  # around the hole, that chunks are compared with
_NAME = re.compile(r"[^\W\d]\w{2,}")


def like_the_hole(example: Example, earlier: Sequence[SourceFile], max_bytes: int) -> list[Chunk]:
    """Chunks that are like the text around the hole by their names; the most alike comes last."""
    around = frozenset(_NAME.findall(example.prefix[-PREFIX_CHARACTERS:] + example.suffix[:SUFFIX_CHARACTERS]))
    scored = [
        (_likeness(names, around), chunk) for file in reversed(earlier[-N_NEAR:]) for chunk, names in _chunks(file)
    ]
    chosen: list[Chunk] = []
    for score, chunk in sorted(scored, key=lambda each: -each[0]):
        n_bytes = len(chunk.text.encode(errors="replace"))
        if not score or max_bytes < MIN_BYTES:
            break
        if n_bytes <= max_bytes:
            chosen.append(chunk)
            max_bytes -= n_bytes
    return chosen[::-1]


def nearest_files(earlier: Sequence[SourceFile], max_bytes: int) -> list[Chunk]:
    """Whole files from the nearest on, and the head of the first that does not fit; the nearest comes last."""
    chosen: list[Chunk] = []
    for file in reversed(earlier[-N_NEAR:]):
        pieces = pieces_of(file)
        head = pieces.text(0, pieces.cut(0, max_bytes))
        if head:
            chosen.append(_chunk(file.path, 1, head))
        max_bytes -= len(pieces)
        if max_bytes < MIN_BYTES:
            break
    return chosen[::-1]


def choose_context(
    example: Example, earlier: Sequence[SourceFile], max_bytes: int, chunk_share: float, rng: random.Random
) -> list[Chunk]:
    """Chunks like the hole, or else whole files; none where there are no files before, or no room."""
    if max_bytes < MIN_BYTES:
        return []
    chosen = like_the_hole(example, earlier, max_bytes) if rng.random() < chunk_share else []
    return chosen or nearest_files(earlier, max_bytes)


def _likeness(names: frozenset[str], others: frozenset[str]) -> float:
    """Jaccard's: the share of names in common."""
    n_common = len(names & others)
    return n_common / max(len(names) + len(others) - n_common, 1)


@lru_cache(maxsize=4 * N_NEAR)
def _chunks(file: SourceFile) -> tuple[tuple[Chunk, frozenset[str]], ...]:
    """The file in chunks, each with its names."""
    found = []
    line = 1
    for text in pieces_of(file).all(CHUNK_BYTES):
        found.append((_chunk(file.path, line, text), frozenset(_NAME.findall(text))))
        line += text.count("\n")
    return tuple(found)


def _chunk(path: str, first_line: int, text: str) -> Chunk:
    return Chunk(path, first_line, first_line + text.rstrip("\n").count("\n"), text)
