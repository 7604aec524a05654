"""The tokenizer in a Hugging Face folder as a `Vocabulary` of `midfill_model.prompts`, for encoding examples.

Its ids are those that llama.cpp will give to the same text once the folder is a GGUF. What merely looks like a sentinel
stays text, and no dummy space is put in front.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_model.files.random_model import TokenType
from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.errors import BadInput, TrainingError
from midfill_training.export.bpe_tokenizer import FILE as BPE_FILE
from midfill_training.export.checkpoint import read_json
from midfill_training.export.sentencepiece_proto import Piece, parse_model
from midfill_training.export.spm_tokenizer import FILE as SPM_FILE
from midfill_training.export.spm_tokenizer import NO_DUMMY
from midfill_training.export.vocabulary import MARKERS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# What single digits and then ByteLevel make of ASCII: the words that are merged each by itself.
_WORDS = re.compile(
    r"[0-9]|'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[^\t-\r 0-9A-Za-z]+|[\t-\r ]+(?![^\t-\r 0-9])|[\t-\r ]+", re.ASCII
)
MAX_WORDS = 2**20  # some 200 MB; new words beyond are encoded each time


def load_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of `tokenizer.model`, or else of a byte-level BPE `tokenizer.json`. Raises BadInput."""
    try:
        if (folder / SPM_FILE).exists():
            return SentencePieceVocabulary(folder)
        if (folder / BPE_FILE).exists():
            return BpeVocabulary(folder)
    except TrainingError:
        raise
    except Exception as error:  # the libraries raise bare Exceptions
        raise BadInput(f"{folder}: its tokenizer cannot be read: {error}") from error
    raise BadInput(f"{folder}: has neither {SPM_FILE} nor {BPE_FILE}; make one with `midfill-train tokenizer`")


class _Pieces:
    """What both kinds know of their pieces (`Vocabulary` but for `encode`)."""

    def __init__(self, folder: Path, texts: Sequence[str], pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.ids: Mapping[str, int] = {text: token for token, text in enumerate(texts)}
        self._texts = texts
        path = folder / "tokenizer_config.json"
        self._settings: Mapping[str, Any] = read_json(path) if path.exists() else {}

    def text(self, token: int) -> str:
        """How the vocabulary spells a token."""
        return self._texts[token]

    @cached_property
    def bos(self) -> int | None:
        """The token that starts every prompt, if the settings say so."""
        return self._named("bos_token") if self._settings.get("add_bos_token") else None

    @cached_property
    def ends(self) -> frozenset[int]:
        """The token that ends a text."""
        end = self._named("eos_token")
        return frozenset() if end is None else frozenset({end})

    def _named(self, role: str) -> int | None:
        piece = self._settings.get(role)
        return self.ids.get(str(piece["content"] if isinstance(piece, dict) else piece))


class BpeVocabulary(_Pieces):
    """A byte-level BPE."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        table = read_json(folder / BPE_FILE)
        if "ByteLevel" not in str(table.get("pre_tokenizer")):
            raise BadInput(f"{folder}: {BPE_FILE} is not a byte-level BPE; put the {SPM_FILE} it came from beside it")
        for entry in table["added_tokens"]:
            entry["special"] |= entry["content"] in MARKERS  # as the export has it
        self._tokenizer = Tokenizer.from_str(json.dumps(table))
        self._tokenizer.encode_special_tokens = True  # means: as text
        added = {entry["id"]: b"" if entry["special"] else entry["content"].encode() for entry in table["added_tokens"]}
        spelled = {token: text for text, token in self._tokenizer.get_vocab(with_added_tokens=True).items()}
        tokens = range(max(spelled) + 1)
        pieces = [added[token] if token in added else _bytes(spelled.get(token, "")) for token in tokens]
        super().__init__(folder, [spelled.get(token, f"[PAD{token}]") for token in tokens], pieces)
        by_word = _splits_digits(table["pre_tokenizer"]) and not any(added.values())
        self._words = _Words(self._tokenizer) if by_word else None

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` alone. ASCII goes word by word through a cache: ten times as fast."""
        if self._words is not None and text.isascii():
            return [token for word in _WORDS.findall(text) for token in self._words[word]]
        return _encode(self._tokenizer, text.encode(errors="replace").decode())  # a lone surrogate has no bytes


class SentencePieceVocabulary(_Pieces):
    """A SentencePiece BPE."""

    def __init__(self, folder: Path) -> None:
        import sentencepiece

        path = folder / SPM_FILE
        model = parse_model(path.read_bytes())
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self._n_dummy = len(self._processor.encode(NO_DUMMY))
        pieces = [_sentencepiece_bytes(piece) for piece in model.pieces]
        super().__init__(folder, [piece.text for piece in model.pieces], pieces)

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` alone: the dummy space goes to a character in front that is cut off again."""
        tokens: list[int] = self._processor.encode(NO_DUMMY + text.encode(errors="replace").decode())
        return tokens[self._n_dummy :]


class _Words(dict[str, list[int]]):
    """Words and their tokens, as they come up."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __missing__(self, word: str) -> list[int]:
        tokens = _encode(self._tokenizer, word)
        if len(self) < MAX_WORDS:
            self[word] = tokens
        return tokens


@cache
def _byte_characters() -> dict[str, int]:
    """How byte-level BPE spells bytes: printable ones as themselves, the others as the characters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + at): byte for at, byte in enumerate(others)}


def _bytes(spelled: str) -> bytes:
    return bytes(_byte_characters()[character] for character in spelled)


def _sentencepiece_bytes(piece: Piece) -> bytes:
    """As llama.cpp has it, which takes pieces that are no tokens of text for nothing."""
    if piece.type == TokenType.BYTE:
        return bytes([int(piece.text[1:-1], 16)])
    if piece.type == TokenType.NORMAL:
        return piece.text.replace("▁", " ").encode()
    return piece.text.encode() if piece.type == TokenType.USER_DEFINED and piece.text not in MARKERS else b""


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    (encoding,) = tokenizer.encode_batch_fast([text], add_special_tokens=False)
    ids: list[int] = encoding.ids
    return ids


def _splits_digits(pre_tokenizer: Mapping[str, Any]) -> bool:
    """Whether `_WORDS` splits as this pre-tokenizer does."""
    steps = pre_tokenizer.get("pretokenizers", ())
    told = [(step.get("type"), step.get("individual_digits"), step.get("use_regex")) for step in steps]
    no_space = all(not step.get("add_prefix_space") for step in steps)
    return no_space and told == [("Digits", True, None), ("ByteLevel", None, True)]
