"""A tokenizer and a llama context without llama.cpp: small enough that a test can say what they must do."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence

import numpy as np

from midfill_model.local.interrupt import Interrupted
from midfill_model.local.sampling import Logits

N_BYTES = 256


class ScriptedVocabulary:
    """Takes the longest word that fits, else single bytes (`Vocabulary`).

    Ids are shuffled by `seed`, so that nothing can rely on them. With `spelled` the sentinels are words like any
    other, as converters write them that do not know what they are.
    """

    def __init__(
        self,
        sentinels: Sequence[str] = (),
        words: Sequence[str] = (),
        *,
        bos: str | None = None,
        ends: Sequence[str] = (),
        spelled: bool = False,
        seed: int = 0,
    ) -> None:
        texts = {f"<0x{byte:02X}>": bytes([byte]) for byte in range(N_BYTES)}
        texts |= {word: word.encode() for word in words}
        texts |= {text: text.replace("▁", " ").encode() if spelled else b"" for text in sentinels}
        order = list(texts)
        random.Random(seed).shuffle(order)
        self.texts = order
        self.pieces: Sequence[bytes] = [texts[text] for text in order]
        self.ids = {text: token for token, text in enumerate(order)}
        self.bos = None if bos is None else self.ids[bos]
        self.ends = frozenset(self.ids[end] for end in ends)
        self._by_piece = {piece: token for token, piece in enumerate(self.pieces) if piece}
        self._longest = max(map(len, self._by_piece))

    def text(self, token: int) -> str:
        return self.texts[token]

    def encode(self, text: str) -> list[int]:
        data = text.encode(errors="replace")
        tokens: list[int] = []
        at = 0
        while at < len(data):
            n = next(
                n for n in range(self._longest, 0, -1) if data[at : at + n] in self._by_piece and at + n <= len(data)
            )
            tokens.append(self._by_piece[data[at : at + n]])
            at += n
        return tokens

    def spell(self, tokens: Sequence[int]) -> list[str]:
        """Sentinels as the vocabulary spells them, and the text between them joined."""
        parts: list[str] = []
        text = b""
        for token in [*tokens, None]:
            if token is not None and self.pieces[token]:
                text += self.pieces[token]
                continue
            parts += [text.decode()] if text else []
            text = b""
            if token is not None:
                parts.append(self.texts[token])
        return parts


# What comes after some tokens: one token, or logits by token.
NextToken = Callable[[Sequence[int]], int | dict[int, float]]


class ScriptedContext:
    """Keeps tokens where llama.cpp keeps KV cells, and refuses what llama.cpp refuses (`Context`)."""

    def __init__(self, next_token: NextToken, n_vocab: int, n_micro_batch: int = 4, n_ctx: int = 4096) -> None:
        self.n_micro_batch = n_micro_batch
        self.n_ctx = n_ctx
        self.sequences: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.n_decoded = 0
        self.batches: list[tuple[int, ...]] = []
        self.interrupt_at: int | None = None
        self.refuses_states = False
        self._next_token = next_token
        self._n_vocab = n_vocab

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]:
        cells = self.sequences[sequence]
        assert 0 < len(tokens) <= self.n_micro_batch, "a batch larger than the micro-batch cannot be interrupted"
        assert position == len(cells), "llama.cpp refuses gaps and repeated positions"
        assert self._n_cells() + len(tokens) <= self.n_ctx, "no room in the KV cache"
        if self.interrupt_at is not None and len(self.batches) >= self.interrupt_at:
            cells += tokens[: len(tokens) // 2]  # worse than llama.cpp: the graph stopped half-way
            raise Interrupted
        self.batches.append(tuple(tokens))
        self.n_decoded += len(tokens)
        outputs = []
        for at, token in enumerate(tokens):
            cells.append(token)
            if at >= len(tokens) - n_outputs:
                outputs.append(self._logits(cells))
        return outputs

    def _n_cells(self) -> int:
        """Sequences share the cells of what they begin with."""
        sequences = list(self.sequences.values())
        return sum(
            len(cells) - max((n_shared(cells, before) for before in sequences[:at]), default=0)
            for at, cells in enumerate(sequences)
        )

    def _logits(self, cells: Sequence[int]) -> Logits:
        logits = np.zeros(self._n_vocab, dtype=np.float32)
        choice = self._next_token(cells)
        for token, logit in (choice if isinstance(choice, dict) else {choice: 10.0}).items():
            logits[token] = logit
        return logits

    def n_cached(self, sequence: int) -> int:
        return len(self.sequences[sequence])

    def truncate(self, sequence: int, n_tokens: int) -> None:
        del self.sequences[sequence][n_tokens:]

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        self.sequences[target] = self.sequences[source][:n_tokens]

    def save(self, sequence: int) -> bytes:
        return pickle.dumps(self.sequences[sequence])

    def restore(self, sequence: int, state: bytes) -> bool:
        self.sequences[sequence] = [] if self.refuses_states else pickle.loads(state)
        return not self.refuses_states


def n_shared(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of what both begin with."""
    pairs = zip(left, right, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))


def knowing(text: str, pieces: Sequence[bytes], longest_bytes: int = 99) -> NextToken:
    """A model that knows `text` by heart and writes it in the longest pieces there are, up to `longest_bytes`.

    After anything that is no beginning of `text` it writes an end of line.
    """
    data = text.encode()
    by_piece = {piece: token for token, piece in enumerate(pieces) if piece and len(piece) <= longest_bytes}
    longest = max(map(len, by_piece))

    def next_token(cells: Sequence[int]) -> int | dict[int, float]:
        written = b"".join(pieces[token] for token in cells)
        if not data.startswith(written) or written == data:
            return by_piece[b"\n"]
        rest = data[len(written) : len(written) + longest]
        return next(by_piece[rest[:n]] for n in range(len(rest), 0, -1) if rest[:n] in by_piece)

    return next_token
