"""A tokenizer and rows of 20 files, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from training.train import tiny_rows


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads on a busy machine are slower than one, and sums then depend on the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> tiny_rows.Vocabulary:
    return tiny_rows.make_vocabulary(tmp_path_factory.mktemp("vocabulary") / "tokenizer")


@pytest.fixture(scope="session")
def rows(vocabulary: tiny_rows.Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/ and valid/ are the same 20 files, fim/ those of them that have a hole."""
    folder = tmp_path_factory.mktemp("rows")
    examples = list(tiny_rows.cut(tiny_rows.file_heads(20)))
    for name in ("train", "valid"):
        tiny_rows.write_examples(folder / name, vocabulary, examples)
    holes = [example for example in examples if example.objective != "ntp"]
    tiny_rows.write_examples(folder / "fim", vocabulary, holes, only_middle=True)
    return folder
