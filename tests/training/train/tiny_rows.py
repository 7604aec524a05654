"""Rows of a few files of the standard library, and a tokenizer for them: what the stages before training would make."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from midfill_training.objectives.examples import OBJECTIVES, Example
from midfill_training.packing.rows import Row, write_rows
from training import checkpoints

LENGTH = 128
END, PREFIX, SUFFIX, MIDDLE, FILE = checkpoints.STARCODER_MARKERS


@dataclass(frozen=True)
class Vocabulary:
    """The tokenizer in a folder, and how examples are laid out with it."""

    folder: Path
    tokenizer: Tokenizer

    @property
    def n_tokens(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, example: Example) -> list[int]:
        """Suffix first, as midfill prompts."""
        if example.objective == "ntp":
            return [self.id(FILE)]
        suffix, prefix = self.encode(example.suffix), self.encode(example.prefix)
        return [self.id(FILE), self.id(PREFIX), self.id(SUFFIX), *suffix, self.id(MIDDLE), *prefix]

    def id(self, marker: str) -> int:
        return int(self.tokenizer.token_to_id(marker))

    def row(self, example: Example, length: int, *, only_middle: bool) -> Row:
        """One example, cut or filled up to a row."""
        prompt, middle = self.prompt(example), [*self.encode(example.middle), self.id(END)]
        tokens = np.zeros(length, dtype=np.uint16)
        n_tokens = min(length, len(prompt) + len(middle))
        tokens[:n_tokens] = (prompt + middle)[:length]
        loss, group = np.zeros(length, dtype=bool), np.zeros(length, dtype=np.uint16)
        loss[len(prompt) if only_middle else 1 : n_tokens] = True
        group[:n_tokens] = 1
        objective = np.full(length, OBJECTIVES.index(example.objective), dtype=np.uint8)
        return Row(tokens, loss, group, objective)


def make_vocabulary(folder: Path, n_tokens: int | None = None) -> Vocabulary:
    """The tokenizer of the checkpoints in these tests, or its first tokens."""
    folder.mkdir(parents=True)
    checkpoints.write_bpe_tokenizer(folder, checkpoints.code_pre_tokenizer(), checkpoints.STARCODER_MARKERS)
    if n_tokens is not None:
        path = folder / "tokenizer.json"
        table = json.loads(path.read_text(encoding="utf-8"))
        vocab = {piece: token for piece, token in table["model"]["vocab"].items() if token < n_tokens}
        merges = [merge for merge in table["model"]["merges"] if "".join(merge) in vocab]
        path.write_text(json.dumps(table | {"model": table["model"] | {"vocab": vocab, "merges": merges}}))
    return Vocabulary(folder, Tokenizer.from_file(str(folder / "tokenizer.json")))


def file_heads(n_files: int, n_chars: int = 180, *, of: Sequence[Path] = ()) -> list[str]:
    """The code at the middle of files of the standard library, or of these files."""
    files = of or sorted(Path(random.__file__).parent.glob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    long = [text for text in texts if len(text) > 4 * n_chars]
    return [text[len(text) // 2 : len(text) // 2 + n_chars] for text in long[:n_files]]


def cut(texts: Sequence[str], seed: int = 0) -> Iterator[Example]:
    """Every third file as it is, the others with a hole of some characters."""
    rng = random.Random(seed)
    for number, text in enumerate(texts):
        if number % 3 == 0:
            yield Example("ntp", "file", "", text, "")
            continue
        start = rng.randrange(len(text) // 4, len(text) // 2)
        end = start + rng.randrange(4, 30)
        yield Example("sfim" if number % 3 == 1 else "fim", "span", text[:start], text[start:end], text[end:])


def write_examples(
    folder: Path,
    vocabulary: Vocabulary,
    examples: Sequence[Example],
    *,
    length: int = LENGTH,
    only_middle: bool = False,
) -> None:
    """`folder` is one of train, valid and fim."""
    rows = (vocabulary.row(example, length, only_middle=only_middle) for example in examples)
    write_rows(folder, rows, length, vocabulary.n_tokens)
