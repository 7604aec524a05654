"""One llama.cpp context over the real model, and the small SentencePiece tokenizer, for all tests of this folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from midfill_model.files.random_model import SHAPES, write_random_model
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.kv_cache import N_SEQUENCES
from midfill_model.local.waiting import waiting_environment
from midfill_model.prompts.vocabulary import PieceIndex
from model.sentencepiece_model import to_vocabulary, train

os.environ.update(waiting_environment())  # read when llama_cpp is first imported

from midfill_model.local.llama import ContextOptions, LlamaContext

N_CTX = 1536


@pytest.fixture(scope="session")
def interrupt() -> Interrupt:
    """The interrupt of `llama`."""
    return Interrupt()


@pytest.fixture(scope="session")
def loaded_llama(smollm2: Path, interrupt: Interrupt) -> LlamaContext:
    """The real model in this process."""
    return LlamaContext(
        smollm2, ContextOptions(N_CTX, n_threads=2, n_micro_batch=64, n_sequences=N_SEQUENCES), interrupt
    )


@pytest.fixture
def llama(loaded_llama: LlamaContext, interrupt: Interrupt) -> LlamaContext:
    """The real model with nothing in its KV cache and no interrupt."""
    interrupt.reset()
    for sequence in range(N_SEQUENCES):
        loaded_llama.truncate(sequence, 0)
    return loaded_llama


@pytest.fixture(scope="session")
def llama_index(loaded_llama: LlamaContext) -> PieceIndex:
    """The pieces of the real model."""
    return PieceIndex(loaded_llama.vocabulary.pieces, loaded_llama.vocabulary.ends)


@pytest.fixture(scope="session")
def sentencepiece_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer laid out like aiXcoder's."""
    return train(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def other_model(sentencepiece_file: Path, tmp_path_factory: pytest.TempPathFactory) -> LlamaContext:
    """A tiny model with random weights and a SentencePiece tokenizer."""
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    write_random_model(path, SHAPES["tiny"], to_vocabulary(sentencepiece_file))
    return LlamaContext(path, ContextOptions(256, n_threads=1, n_micro_batch=64, n_sequences=N_SEQUENCES), Interrupt())
