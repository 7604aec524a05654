"""The process of a `Scorer`: `python -I -m midfill_model.local.scoring_worker MODEL N_CTX`; pickles both ways."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from midfill_model.files.gguf_file import read_header
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.llama import ContextOptions, LlamaContext
from midfill_model.local.opening import n_default_threads
from midfill_model.local.sampling import Logits
from midfill_model.local.scoring import MAX_TEXT_TOKENS, Question, Score
from midfill_model.prompts.formats import find_format
from midfill_model.prompts.prompt import PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex

N_MICRO_BATCH = 256


def main() -> None:
    """Answer until stdin ends."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what llama.cpp prints
    builder, context = _open(Path(sys.argv[1]), int(sys.argv[2]))
    while True:
        try:
            question = pickle.load(source)
        except EOFError:
            return
        pickle.dump(_answer(question, builder, context), target)
        target.flush()


def _open(path: Path, n_ctx: int) -> tuple[PromptBuilder, LlamaContext]:
    header = read_header(path)
    context = LlamaContext(path, ContextOptions(n_ctx, n_default_threads(), N_MICRO_BATCH, 1), Interrupt())
    vocabulary = context.vocabulary
    format = find_format(vocabulary.ids, header.architecture, header.name, vocabulary.fim)
    index = PieceIndex(vocabulary.pieces, special_tokens(format, vocabulary))
    return PromptBuilder(format, vocabulary, index), context


def _answer(question: Question, builder: PromptBuilder, context: LlamaContext) -> Score | int:
    if question.cursor is None:
        return len(builder.encode(question.text))
    n_tokens = question.max_tokens
    n_snippet_tokens = builder.build(question.cursor, question.snippets, n_tokens, n_tokens).n_snippet_tokens
    prompt = builder.build(question.cursor, question.snippets, n_tokens - n_snippet_tokens, n_snippet_tokens)
    text = builder.encode(prompt.healed.decode(errors="replace") + question.text)[:MAX_TEXT_TOKENS]
    rows = _read((*prompt.tokens, *text[:-1]), len(text), context)
    logits = np.stack(rows).astype(np.float64)
    logprobs = logits[np.arange(len(text)), text] - np.logaddexp.reduce(logits, axis=1)
    return Score(float(logprobs.sum()), len(text), len(prompt.tokens), n_snippet_tokens)


def _read(tokens: Sequence[int], n_outputs: int, context: LlamaContext) -> list[Logits]:
    """The logits after each of the last `n_outputs` tokens."""
    context.truncate(0, 0)
    first_output = len(tokens) - n_outputs
    rows: list[Logits] = []
    for start in range(0, len(tokens), N_MICRO_BATCH):
        batch = tokens[start : start + N_MICRO_BATCH]
        rows += context.decode(batch, start, 0, min(max(start + len(batch) - first_output, 0), len(batch)))
    return rows


if __name__ == "__main__":
    main()
