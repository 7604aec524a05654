"""llama.vim's ring: chunks of files lately seen, which it sends along as context.

Half a chunk of lines, from a random place, is queued when a file is opened or saved, from around the cursor, and after
moves of more than 32 lines, from where the lines sent do not reach. It takes the place of chunks that are like it. The
oldest in the queue comes into the ring once a second while nobody types; chunks that are like the cursor's surroundings
leave it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

N_CHUNKS = 16
N_QUEUED = 16
CHUNK_LINES = 64
SCOPE_LINES = 1024
FAR_LINES = 32
SEED = 1


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file."""

    path: str
    lines: tuple[str, ...]


class Ring:
    """The chunks, and the queue of those to come. `lines` are always those of the file, `line` is the cursor's."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._chunks: list[Chunk] = []
        self._queued: list[Chunk] = []
        self._picked_line = -9999

    def extra(self) -> list[dict[str, str]]:
        """What is sent along."""
        return [{"text": "\n".join(chunk.lines) + "\n", "filename": chunk.path} for chunk in self._chunks]

    def take_next(self) -> bool:
        """Move a chunk from the queue to the ring; False where none is queued."""
        if not self._queued:
            return False
        self._chunks = [*self._chunks, self._queued.pop(0)][-N_CHUNKS:]
        return True

    def pick_near(self, path: str, lines: Sequence[str], line: int) -> None:
        """Queue lines from around the cursor."""
        self._pick(path, _around(lines, line), evicts=True)

    def pick_far(self, path: str, lines: Sequence[str], line: int, n_before: int, n_after: int) -> None:
        """After a long move, queue lines further away than those many that are sent anyway."""
        if abs(line - self._picked_line) <= FAR_LINES:
            return
        self._picked_line = line
        self._pick(path, lines[max(line - SCOPE_LINES, 0) : max(line - n_before, 0) + 1], evicts=False)
        self._pick(path, lines[line + n_after : line + n_after + CHUNK_LINES + 1], evicts=False)

    def drop_similar(self, lines: Sequence[str], line: int) -> None:
        """Chunks like the cursor's surroundings would make the model repeat these."""
        here = self._cut(_around(lines, line))
        self._chunks = [chunk for chunk in self._chunks if _similarity(chunk.lines, here) <= 0.5]

    def _pick(self, path: str, lines: Sequence[str], *, evicts: bool) -> None:
        if len(lines) < 3:
            return
        chunk = Chunk(path, tuple(lines if len(lines) + 1 < CHUNK_LINES else self._cut(lines)))
        like = [other for other in (*self._queued, *self._chunks) if _similarity(other.lines, chunk.lines) > 0.9]
        if like and not (evicts and all(other.lines != chunk.lines for other in like)):
            return
        kept = [other for other in self._queued if other not in like]
        self._queued = [*kept, chunk][-N_QUEUED:]
        self._chunks = [other for other in self._chunks if other not in like]

    def _cut(self, lines: Sequence[str]) -> Sequence[str]:
        half = CHUNK_LINES // 2
        start = self._random.randint(0, max(len(lines) - half, 0))
        return lines[start : start + half + 1]


def _around(lines: Sequence[str], line: int) -> Sequence[str]:
    half = CHUNK_LINES // 2
    return lines[max(line - half, 0) : line + half + 1]


def _similarity(left: Sequence[str], right: Sequence[str]) -> float:
    """Words of the second that the first has too, over all words of both, twice."""
    words, others = (re.findall(r"\w+", "\n".join(lines)) for lines in (left, right))
    known = set(words)
    return 2 * sum(word in known for word in others) / ((len(words) + len(others)) or 1)
