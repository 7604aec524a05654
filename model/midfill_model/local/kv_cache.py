"""What the model has read already: reuse of the KV cache between prompts, and of earlier files' caches.

Sequence 0 holds the last prompt and what was written after it. A new prompt keeps the longest common prefix and
evaluates the rest in micro-batches, between and inside which it can be interrupted; what was read stays. When another
file's prompt is about to overwrite much, the cache is parked in memory and comes back when its file does: copying
some MB takes milliseconds, reading a thousand tokens again takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from midfill_model.local.interrupt import Interrupted
from midfill_model.local.sampling import Logits

MAIN = 0
BRANCH = 1
# Below this many tokens, reading again is about as fast as copying.
MIN_PARKED_TOKENS = 64


class Context(Protocol):
    """What a llama context can do; see `LlamaContext`."""

    n_micro_batch: int

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]: ...
    def n_cached(self, sequence: int) -> int: ...
    def truncate(self, sequence: int, n_tokens: int) -> None: ...
    def copy(self, source: int, target: int, n_tokens: int) -> None: ...
    def save(self, sequence: int) -> bytes: ...
    def restore(self, sequence: int, state: bytes) -> bool: ...


@dataclass(frozen=True)
class ParkedState:
    """The KV cache of a prompt that gave way to another."""

    tokens: list[int]
    state: bytes


class KvCache:
    """Owns what is in the context's sequences; positions and counts are in tokens."""

    def __init__(self, context: Context, max_parked_bytes: int) -> None:
        self._context = context
        self._max_parked_bytes = max_parked_bytes
        self._parked: list[ParkedState] = []  # least recently used first
        self._tokens: list[int] = []

    def evaluate(self, tokens: Sequence[int], n_outputs: int) -> tuple[int, list[Logits]]:
        """Read a prompt; gives how many of its tokens were reused, and the logits after its last `n_outputs`.

        Raises Interrupted; what has been read until then is kept for the next prompt.
        """
        n_wanted = len(tokens) - n_outputs
        n_reused = min(_n_common(self._tokens, tokens), n_wanted)
        parked = max(self._parked, key=lambda state: _n_common(state.tokens, tokens), default=None)
        n_parked = min(_n_common(parked.tokens, tokens), n_wanted) if parked else 0
        returns = parked if n_parked >= n_reused + MIN_PARKED_TOKENS else None
        self._parked = [state for state in self._parked if state is not returns]
        if len(self._tokens) - n_reused >= MIN_PARKED_TOKENS <= len(tokens) - n_reused:
            self._park()
        if returns:
            n_reused = n_parked if self._unpark(returns) else 0
        self.truncate(n_reused)
        return n_reused, self._read(tokens, n_reused, n_outputs)

    def _read(self, tokens: Sequence[int], start: int, n_outputs: int) -> list[Logits]:
        outputs: list[Logits] = []
        first_output = len(tokens) - n_outputs
        for at in range(start, len(tokens), self._context.n_micro_batch):
            batch = tokens[at : at + self._context.n_micro_batch]
            wanted = min(max(at + len(batch) - first_output, 0), len(batch))
            outputs += self._decode(batch, MAIN, wanted)
        return outputs

    def _decode(self, tokens: Sequence[int], sequence: int, n_outputs: int) -> list[Logits]:
        if sequence == BRANCH:
            return self._context.decode(tokens, self._context.n_cached(BRANCH), BRANCH, n_outputs)
        try:
            outputs = self._context.decode(tokens, len(self._tokens), MAIN, n_outputs)
        except Interrupted:
            self.truncate(len(self._tokens))
            raise
        self._tokens += tokens
        return outputs

    def append(self, token: int, sequence: int = MAIN) -> Logits:
        """Read one more token; the logits after it."""
        return self._decode([token], sequence, 1)[0]

    def truncate(self, n_tokens: int) -> None:
        """Forget all but the first `n_tokens` of the main sequence."""
        self._context.truncate(MAIN, n_tokens)
        del self._tokens[n_tokens:]

    def branch(self, n_tokens: int) -> None:
        """Let the branch sequence go on from the first `n_tokens` of the main one."""
        self._context.copy(MAIN, BRANCH, n_tokens)

    def prune(self) -> None:
        """Drop the branch sequence."""
        self._context.truncate(BRANCH, 0)

    def _park(self) -> None:
        if not self._max_parked_bytes:
            return
        state = self._context.save(MAIN)
        if len(state) > self._max_parked_bytes:
            return
        self._parked.append(ParkedState(list(self._tokens), state))
        while sum(len(parked.state) for parked in self._parked) > self._max_parked_bytes:
            del self._parked[0]

    def _unpark(self, parked: ParkedState) -> bool:
        restored = self._context.restore(MAIN, parked.state)
        self._tokens = list(parked.tokens) if restored else []
        return restored


def _n_common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    n_shorter = min(len(left), len(right))
    return next((at for at in range(n_shorter) if left[at] != right[at]), n_shorter)
