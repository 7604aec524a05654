"""One document: what stands between one header and the next, as tokens."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from midfill_context.cursor import Chunk
from midfill_model.prompts.formats import BY_NAME, PromptFormat
from midfill_model.prompts.prompt import PromptBuilder
from midfill_model.prompts.vocabulary import PieceIndex, Vocabulary
from midfill_training.errors import BadInput
from midfill_training.objectives.encoding import encode
from midfill_training.objectives.examples import Example


@dataclass(frozen=True)
class Document:
    """An example as tokens. The first `n_snippets` of them are pieces of other files, the last `n_written` what the
    model is asked to write."""

    example: Example
    tokens: list[int]
    loss: list[bool]
    n_snippets: int
    n_written: int


def trained_format(name: str, vocabulary: Vocabulary) -> PromptFormat:
    """The prompt format of that name; BadInput where there is none, or this vocabulary cannot be trained with it."""
    if name not in BY_NAME:
        raise BadInput(f"there is no prompt format {name!r}; take midfill or aixcoder")
    format = BY_NAME[name]
    encode(Example("ntp", "file", "", "", ""), "", format, vocabulary, spm=True)
    return format


class DocumentWriter:
    """Writes documents in one format with one vocabulary."""

    def __init__(self, format_name: str, vocabulary: Vocabulary, loss: str, spm_share: float) -> None:
        self.format = trained_format(format_name, vocabulary)
        self._vocabulary, self._loss, self._spm_share = vocabulary, loss, spm_share
        self._builder = PromptBuilder(self.format, vocabulary, PieceIndex(()))  # heals nothing

    def write(self, example: Example, path: str, snippets: Sequence[Chunk], rng: random.Random) -> Document:
        """The document of an example, snippets first, as every layout that is trained here has them."""
        spm = rng.random() < self._spm_share
        shown = [token for each in snippets for token in self._builder.document(each.path, each.text)]
        own = encode(example, path, self.format, self._vocabulary, spm=spm, loss="middle")
        counts = own.loss if self._loss == "middle" else [True] * len(own.tokens)
        loss = [self._loss == "all"] * len(shown) + counts
        return Document(example, shown + own.tokens, loss, len(shown), sum(own.loss))
