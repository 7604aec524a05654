"""Does llama.cpp write the text that the checkpoint would write, greedily, prompt by prompt?

llama.cpp writes; the checkpoint then reads each text once and says at every place which token it would have taken. That
is the comparison of two greedy texts, up to the first difference, without writing the second one.

Two good logits can lie closer together than arithmetic is exact. ggml multiplies f16 weights by activations that it
rounds to f16 as well. Measured on a 135M model, 2,400 places: the margin between the two best logits moves by 0.003 in
the mean and 0.019 at most; with the same weights in an f32 file by 0.00005 at most. A text that parts where the
checkpoint's own margin is below `NEAR_TIES` is counted as a near tie and not as equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midfill_training.export.llama_process import greedy
from midfill_training.export.reference_logits import logits_of

N_NEW = 100
MAX_PROMPT = 64
# By how file types begin, in logits; types that are not here are rounded so far that texts may part anywhere.
NEAR_TIES = (("F32", 0.001), ("F16", 0.03), ("BF16", 0.25))


@dataclass(frozen=True)
class Parting:
    """Where a text parts: after `n_equal` tokens, and how far the checkpoint's logit of its own token is ahead.

    `is_explained` by the rounding of the file's type: a near tie.
    """

    prompt: int
    n_equal: int
    margin: float
    is_explained: bool


@dataclass(frozen=True)
class GreedyTexts:
    """Texts of `n_new` tokens after each prompt, and where those that are not equal part."""

    n_prompts: int
    n_new: int
    partings: tuple[Parting, ...]

    @property
    def n_equal(self) -> int:
        return self.n_prompts - len(self.partings)


def split_prompts(tokens: Sequence[int], n_prompts: int) -> list[list[int]]:
    """So many prompts from all over `tokens`, of at most MAX_PROMPT tokens."""
    step = max(1, len(tokens) // n_prompts)
    return [list(tokens[first : first + min(step, MAX_PROMPT)]) for first in range(0, len(tokens), step)][:n_prompts]


def compare_greedy(
    model: Any, gguf: Path, file_type: str, prompts: Sequence[Sequence[int]], lora: Path | None = None
) -> GreedyTexts:
    """Let llama.cpp write N_NEW tokens after each prompt and ask the checkpoint's `model` about each of them."""
    near_tie = next((margin for start, margin in NEAR_TIES if file_type.startswith(start)), math.inf)
    partings = []
    for number, (prompt, written) in enumerate(zip(prompts, greedy(gguf, prompts, N_NEW, lora=lora), strict=True)):
        rows = logits_of(model, [*prompt, *written])[len(prompt) - 1 : -1]
        wanted = rows.argmax(axis=1)
        unequal = (wanted != written).nonzero()[0]
        if unequal.size:
            at = int(unequal[0])
            margin = float(rows[at, wanted[at]] - rows[at, written[at]])
            partings.append(Parting(number, at, margin, margin <= near_tie))
    return GreedyTexts(len(prompts), N_NEW, tuple(partings))
