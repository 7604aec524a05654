"""What the model has read already: reuse of the KV cache between prompts, and of earlier files' caches.

Two sequences hold a prompt each and what was written after it: `MAIN` the whole prompt, `QUICK` a shorter one that
answers while the whole one is not read yet. A new prompt keeps the longest common prefix and evaluates the rest in
micro-batches, between and inside which it can be interrupted; what was read stays. When another file's prompt is about
to overwrite much, the cache is parked in memory and comes back when its file does: copying some MB takes milliseconds,
reading a thousand tokens again takes seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from midfill_model.local.interrupt import Interrupted
from midfill_model.local.reading_speed import ReadingSpeed
from midfill_model.local.sampling import Logits

MAIN = 0
BRANCH = 1
QUICK = 2
N_SEQUENCES = 3
# Below this many tokens, reading again is about as fast as copying.
MIN_PARKED_TOKENS = 64
# A smaller micro-batch would cost as much as this one.
MIN_BATCH_TOKENS = 8


class Context(Protocol):
    """What a llama context can do; see `LlamaContext`."""

    n_micro_batch: int

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]: ...
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

    def __init__(self, context: Context, max_parked_bytes: int, speed: ReadingSpeed | None = None) -> None:
        self.speed = speed or ReadingSpeed()
        self._context = context
        self._max_parked_bytes = max_parked_bytes
        self._parked: list[ParkedState] = []  # least recently used first
        self._tokens: dict[int, list[int]] = {sequence: [] for sequence in range(N_SEQUENCES)}
        self._n_batch = context.n_micro_batch

    def n_missing(self, tokens: Sequence[int]) -> int:
        """How many tokens of a prompt would have to be read."""
        known = [self._tokens[MAIN], self._tokens[QUICK], *(parked.tokens for parked in self._parked)]
        return len(tokens) - max(_n_common(each, tokens) for each in known)

    def evaluate(self, tokens: Sequence[int], n_outputs: int, sequence: int = MAIN) -> tuple[int, list[Logits]]:
        """Read a prompt; gives how many of its tokens were reused, and the logits after its last `n_outputs`.

        Raises Interrupted; what has been read until then is kept for the next prompt.
        """
        self._recall(tokens, sequence)
        n_reused = min(_n_common(self._tokens[sequence], tokens), len(tokens) - n_outputs)
        self.truncate(n_reused, sequence)
        return n_reused, self._read(tokens, n_reused, n_outputs, sequence)

    def append(self, token: int, sequence: int = MAIN) -> Logits:
        """Read one more token; the logits after it."""
        return self.extend([token], sequence)[0]

    def extend(self, tokens: Sequence[int], sequence: int = MAIN) -> list[Logits]:
        """Read a few more tokens, at most a micro-batch; the logits after each of them."""
        return self._decode(tokens, len(tokens), sequence)

    def tokens(self, sequence: int = MAIN) -> list[int]:
        """What a sequence holds."""
        return list(self._tokens[sequence])

    def truncate(self, n_tokens: int, sequence: int = MAIN) -> None:
        """Forget all but the first `n_tokens` of a sequence."""
        self._context.truncate(sequence, n_tokens)
        del self._tokens[sequence][n_tokens:]

    def branch(self, n_tokens: int, source: int = MAIN) -> None:
        """Let the branch sequence go on from the first `n_tokens` of another one."""
        self._copy(source, BRANCH, n_tokens)

    def prune(self) -> None:
        """Drop the branch sequence."""
        self.truncate(0, BRANCH)

    def _recall(self, tokens: Sequence[int], sequence: int) -> None:
        """Let a sequence hold what the other one or a parked state knows of a prompt, if that is much more."""
        held = self._tokens[sequence]
        n_held = _n_common(held, tokens)
        other = QUICK if sequence == MAIN else MAIN
        n_other = _n_common(self._tokens[other], tokens)
        parked = max(self._parked, key=lambda state: _n_common(state.tokens, tokens), default=None)
        n_parked = _n_common(parked.tokens, tokens) if parked else 0
        returns = parked if n_parked >= max(n_held + MIN_PARKED_TOKENS, n_other + 1) else None
        self._parked = [state for state in self._parked if state is not returns]
        if len(held) - n_held >= MIN_PARKED_TOKENS <= len(tokens) - n_held:
            self._park(sequence)
        if returns:
            self._unpark(returns, sequence)
        elif n_other >= n_held + MIN_PARKED_TOKENS:
            self._copy(other, sequence, n_other)

    def _read(self, tokens: Sequence[int], start: int, n_outputs: int, sequence: int) -> list[Logits]:
        """In micro-batches that become smaller where not even one is done before the next keystroke."""
        outputs: list[Logits] = []
        first_output = len(tokens) - n_outputs
        at = start
        try:
            while at < len(tokens):
                batch = tokens[at : at + self._n_batch]
                n_wanted = min(max(at + len(batch) - first_output, 0), len(batch))
                started = time.perf_counter()
                outputs += self._decode(batch, n_wanted, sequence)
                self.speed.note(len(batch), time.perf_counter() - started)
                at += len(batch)
        except Interrupted:
            if at == start:
                self._n_batch = max(self._n_batch // 2, min(MIN_BATCH_TOKENS, self._context.n_micro_batch))
            raise
        if at - start >= self._n_batch:
            self._n_batch = min(2 * self._n_batch, self._context.n_micro_batch)
        return outputs

    def _decode(self, tokens: Sequence[int], n_outputs: int, sequence: int) -> list[Logits]:
        held = self._tokens[sequence]
        try:
            outputs = self._context.decode(tokens, len(held), sequence, n_outputs)
        except Interrupted:
            self.truncate(len(held), sequence)
            raise
        held += tokens
        return outputs

    def _copy(self, source: int, target: int, n_tokens: int) -> None:
        self._context.copy(source, target, n_tokens)
        self._tokens[target] = self._tokens[source][:n_tokens]

    def _park(self, sequence: int) -> None:
        if not self._max_parked_bytes:
            return
        state = self._context.save(sequence)
        if len(state) > self._max_parked_bytes:
            return
        self._parked.append(ParkedState(list(self._tokens[sequence]), state))
        while sum(len(parked.state) for parked in self._parked) > self._max_parked_bytes:
            del self._parked[0]

    def _unpark(self, parked: ParkedState, sequence: int) -> None:
        restored = self._context.restore(sequence, parked.state)
        self._tokens[sequence] = list(parked.tokens) if restored else []


def _n_common(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    n_shorter = min(len(left), len(right))
    return next((at for at in range(n_shorter) if left[at] != right[at]), n_shorter)
