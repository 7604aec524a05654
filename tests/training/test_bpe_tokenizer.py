"""The pre-tokenizer is found by trying; what none fits is refused with the first difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers

from midfill_model.files.gguf_layout import read_layout
from midfill_training.errors import TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.conversion import ExportOptions, export
from training import checkpoints


def with_pre_tokenizer(folder: Path, pre_tokenizer: Any) -> Path:
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text())
    table["pre_tokenizer"] = json.loads(pre_tokenizer.__getstate__())
    path.write_text(json.dumps(table))
    return folder


def splitting(pattern: str) -> Any:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern=checkpoints._regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


@pytest.mark.parametrize(
    ("pre_tokenizer", "name"),
    [
        pytest.param(checkpoints.code_pre_tokenizer(), "smollm", id="smollm"),
        pytest.param(checkpoints.qwen_pre_tokenizer(), "qwen2", id="qwen2"),
        pytest.param(pre_tokenizers.ByteLevel(add_prefix_space=False), "gpt-2", id="gpt-2"),
        pytest.param(
            splitting(checkpoints.QWEN_SPLIT.replace(r"|\p{N}|", r"|\p{N}{1,3}|")), "llama-bpe", id="llama-bpe"
        ),
    ],
)
def test_the_name_is_found(pre_tokenizer: Any, name: str, tmp_path: Path) -> None:
    folder = checkpoints.write_llama(tmp_path / "checkpoint", pre_tokenizer=pre_tokenizer)
    export(folder, tmp_path / "out.gguf", ExportOptions())
    assert read_layout(tmp_path / "out.gguf").values["tokenizer.ggml.pre"] == name


def test_none_fits(broken: Path) -> None:
    with_pre_tokenizer(broken, splitting("[aeiou]+|[^aeiou]+"))
    with pytest.raises(TokenizerMismatch) as told:
        export(broken, broken.parent / "out.gguf", ExportOptions())
    message = str(told.value)
    assert "none of llama.cpp's" in message
    assert "the first being '" in message
    assert "with the original tokenizer" in message
    assert not (broken.parent / "out.gguf").exists()


def test_a_sentencepiece_like_json_is_refused(broken: Path) -> None:
    with_pre_tokenizer(broken, pre_tokenizers.Metaspace())
    with pytest.raises(UnsupportedCheckpoint, match=r"put its tokenizer\.model beside it"):
        export(broken, broken.parent / "out.gguf", ExportOptions())
