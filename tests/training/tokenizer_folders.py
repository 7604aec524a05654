"""Folders with real tokenizers: the default model's, and a SentencePiece one laid out like aiXcoder's."""

from __future__ import annotations

import json
from pathlib import Path

from midfill_model.files.gguf_layout import read_layout
from midfill_training.export.restore_tokenizer import write_tokenizer
from midfill_training.tokenizer.sentinels import adopt_sentinels
from model import sentencepiece_model


def write_smollm2(gguf: Path, folder: Path) -> Path:
    """SmolLM2's own tokenizer, with midfill's sentinels."""
    own = folder.with_name(f"{folder.name}-own")
    own.mkdir()
    write_tokenizer(read_layout(gguf), own)
    adopt_sentinels(own, folder)
    return folder


def write_sentencepiece(folder: Path) -> Path:
    """2,000 pieces, the sentinels at the paper's ids."""
    folder.mkdir()
    sentencepiece_model.train(folder)
    settings = {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
