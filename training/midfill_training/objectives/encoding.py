"""Examples as token ids, laid out by the very code that lays out prompts when the model serves.

The prompt of an example is the one that serving would build with the cursor at its hole: the same windows around it,
the same snippets in front, cut back to where no token of the vocabulary reaches over its end (`prompts.healing`). What
was taken back and the middle are tokenised together, because this is what the model is asked to write then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from midfill_context.cursor import Cursor, Snippet
from midfill_model.prompts.formats import PromptFormat
from midfill_model.prompts.prompt import Prompt, PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex, Vocabulary
from midfill_training.errors import BadInput
from midfill_training.objectives.examples import Example

# Which tokens the loss counts: `all` as the paper's own fine-tuning does, or what the model has to write.
Loss = Literal["all", "middle"]


@dataclass(frozen=True)
class Encoded:
    """The tokens of an example, and which of them the loss counts."""

    tokens: list[int]
    loss: list[bool]


def encode(
    example: Example,
    path: str,
    format: PromptFormat,
    vocabulary: Vocabulary,
    *,
    spm: bool,
    context: Sequence[Snippet] = (),
    max_tokens: int | None = None,
    loss: Loss = "all",
) -> Encoded:
    """The example as one document of at most `max_tokens`, with the format's `end` behind it.

    `spm` chooses between the order that serving uses and the other one. A file too long for its room is shown as
    serving shows it: what is near the hole; snippets give way first, the last one first, and each try costs as much as
    encoding the example. A middle gets half of the room if it needs that much; what is longer is cut and has no end. Of
    a text without a hole the first `max_tokens` are kept. Raises BadInput for what cannot be trained with.
    """
    layouts = _layouts(format, vocabulary)  # type: ignore[arg-type]  # hashed by identity, of which no protocol speaks
    room = sys.maxsize if max_tokens is None else max_tokens
    if example.objective == "ntp":
        shown = [token for each in context for token in layouts.spm.document(each.chunk.path, each.chunk.text)]
        written = layouts.spm.document(path, example.middle)
        written += [layouts.end] * (written[-1:] != [layouts.end])
    else:
        builder = layouts.spm if spm else layouts.psm
        n_middle = len(builder.encode(example.middle)) + 1
        cursor = Cursor(path, "", example.prefix, example.suffix)
        prompt = builder.build(cursor, context, max(room - n_middle, room // 2))
        shown = list(prompt.tokens)
        written = [*_written(prompt, example.middle, builder), layouts.end]
    tokens = (shown + written)[:room]
    return Encoded(tokens, [loss == "all" or at >= len(shown) for at in range(len(tokens))])


def _written(prompt: Prompt, middle: str, builder: PromptBuilder) -> list[int]:
    try:
        return builder.encode(prompt.healed.decode() + middle)
    except UnicodeDecodeError:  # healing took back a part of a character
        return [*prompt.draft, *builder.encode(middle)]


@dataclass(frozen=True)
class _Layouts:
    """How to build prompts in either order, and the token behind everything."""

    spm: PromptBuilder
    psm: PromptBuilder
    end: int


@lru_cache(maxsize=4)
def _layouts(format: PromptFormat, vocabulary: Vocabulary) -> _Layouts:
    if not format.psm or not format.end:
        raise BadInput(f"no model can be trained in prompt format {format.name} here; take midfill or aixcoder")
    missing = [piece for piece in (*format.sentinels, format.end) if piece not in vocabulary.ids]
    if missing:
        raise BadInput(
            f"the tokenizer has no {missing[0]}, which prompt format {format.name} needs; "
            "make one with `midfill-train tokenizer`"
        )
    index = PieceIndex(vocabulary.pieces, special_tokens(format, vocabulary))
    spm = PromptBuilder(format, vocabulary, index)
    psm = PromptBuilder(replace(format, layout=format.psm), vocabulary, index)
    return _Layouts(spm, psm, vocabulary.ids[format.end])
