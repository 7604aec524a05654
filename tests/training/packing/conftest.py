"""A tokenizer and a corpus to pack: packages of the standard library, and a file in a language without a grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import write_shard
from midfill_training.tokenizer.vocabulary import load_vocabulary
from training import checkpoints
from training.packing import standard_library


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with midfill's sentinels in a small byte-level BPE."""
    folder = tmp_path_factory.mktemp("tokenizer")
    checkpoints.write_bpe_tokenizer(folder, checkpoints.code_pre_tokenizer(), checkpoints.STARCODER_MARKERS)
    return folder


@pytest.fixture(scope="session")
def vocabulary(tokenizer: Path) -> Vocabulary:
    return load_vocabulary(tokenizer)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards of two projects each."""
    folder = tmp_path_factory.mktemp("corpus")
    projects = standard_library.projects()
    for number in range(3):
        write_shard(folder, number, [file for project in projects[number::3] for file in project.files])
    return folder
