"""What prompts need to know of a model's tokenizer, and an index of its pieces for token healing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Vocabulary(Protocol):
    """A model's tokenizer. Token ids are positions in `pieces`."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes each token stands for in text; empty for control tokens."""
        ...

    @property
    def ids(self) -> Mapping[str, int]:
        """Token ids by the token's text as the vocabulary spells it (`▁` for a space, `<s>` for BOS)."""
        ...

    def text(self, token: int) -> str:
        """How the vocabulary spells a token: the key of `ids`."""
        ...

    @property
    def bos(self) -> int | None:
        """The token that starts every prompt, for models that want one."""
        ...

    @property
    def ends(self) -> frozenset[int]:
        """Tokens with which the model ends a text."""
        ...

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` alone: no BOS, no dummy prefix, and no control token for what merely looks like one."""
        ...


class PieceIndex:
    """Which tokens begin with given bytes, and which spell a beginning of them. Shared by all requests.

    `special` tokens are left out: some vocabularies spell their sentinels as text.
    """

    def __init__(self, pieces: Sequence[bytes], special: Container[int] = ()) -> None:
        order = sorted((piece, token) for token, piece in enumerate(pieces) if piece and token not in special)
        self._sorted = [piece for piece, _ in order]
        self._tokens = np.array([token for _, token in order], dtype=np.int64)

    def has_longer(self, head: bytes) -> bool:
        """Whether some token begins with `head` and goes on."""
        at = bisect_right(self._sorted, head)
        return at < len(self._sorted) and self._sorted[at].startswith(head)

    def crosses(self, piece: bytes, rest: bytes) -> bool:
        """Whether some token reaches from `piece` over its end into `rest` (or past it).

        Never for a piece without text (an unknown character): nothing could spell it again.
        """
        if not piece:
            return False
        if self.has_longer(piece + rest):
            return True
        return any(self._named(piece + rest[:n]).size for n in range(1, len(rest) + 1))

    def agreeing(self, text: bytes) -> NDArray[np.int64]:
        """Tokens that may come next when `text` has to be written: they begin it, spell it or overhang it."""
        starts = [self._named(text[:n]) for n in range(1, len(text))]
        return np.concatenate([*starts, self._from(text)])

    def _from(self, head: bytes) -> NDArray[np.int64]:
        first = bisect_left(self._sorted, head)
        last = bisect_left(self._sorted, _after(head)) if _after(head) else len(self._sorted)
        return self._tokens[first:last]

    def _named(self, piece: bytes) -> NDArray[np.int64]:
        first = bisect_left(self._sorted, piece)
        return self._tokens[first : bisect_right(self._sorted, piece)]


def _after(head: bytes) -> bytes:
    """The smallest byte string greater than everything that begins with `head`; empty when there is none."""
    head = head.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else b""
