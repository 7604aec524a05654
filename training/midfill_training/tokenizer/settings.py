"""What can be set about a tokenizer: the table `[tokenizer]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from midfill_training.errors import BadInput

Kind = Literal["bpe", "sentencepiece"]
MIN_VOCAB = 300  # the bytes, the sentinels, and something learned


@dataclass(frozen=True)
class TokenizerSettings:
    """`bpe` is what midfill's own format is made for, `sentencepiece` has aiXcoder's layout."""

    kind: str = "bpe"
    vocab: int = 49_152  # PAPER.md section 4
    max_mb: int = 500  # of text to learn from, drawn from the whole corpus: more changes rare pieces alone
    max_piece_chars: int = 32  # of SentencePiece: indentation of eight levels is one piece, as in the paper's

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise BadInput(f"tokenizer.kind is {self.kind!r}; there are {', '.join(get_args(Kind))}")
        if self.vocab < MIN_VOCAB:
            raise BadInput(f"tokenizer.vocab is {self.vocab}; a tokenizer of all bytes has {MIN_VOCAB} tokens or more")
        if self.max_mb < 1 or self.max_piece_chars < 1:
            raise BadInput(
                f"tokenizer.max_mb is {self.max_mb}, max_piece_chars {self.max_piece_chars}; both are from 1 on"
            )
