"""Byte-level BPE: single digits, then GPT-2's words and runs of blanks; llama.cpp knows this split as `smollm`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from midfill_model.prompts.formats import MIDFILL

# The end of a text is token 0; the others in the order of the format.
SENTINELS = tuple(dict.fromkeys((MIDFILL.end, *MIDFILL.sentinels)))


def train_bpe(texts: Iterable[str], n_vocab: int) -> dict[str, bytes]:
    """The files of a tokenizer of at most `n_vocab` tokens, by name; the same texts give the same bytes.

    A corpus that is small for it gives fewer tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab,
        min_frequency=2,  # a piece met once tells of one file
        special_tokens=list(SENTINELS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=sys.stderr.isatty(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": MIDFILL.end,
        "eos_token": MIDFILL.end,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    return {
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": json.dumps(settings, indent=2).encode() + b"\n",
    }
