"""The pre-tokenizer is found by trying; what none fits is refused with the first difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer, pre_tokenizers, processors

from midfill_model.files.gguf_layout import read_layout
from midfill_training.errors import TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.tokenizer import read_vocabulary
from training import checkpoints
from training.damage import edit_json


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


BOS_TEMPLATE = processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])


@pytest.mark.parametrize(
    ("processor", "setting", "adds_bos"),
    [
        pytest.param(None, None, False, id="nothing said"),
        pytest.param(processors.ByteLevel(), None, False, id="a processor that adds nothing"),
        pytest.param(BOS_TEMPLATE, None, True, id="template"),
        pytest.param(processors.Sequence([processors.ByteLevel(), BOS_TEMPLATE]), None, True, id="template in a row"),
        pytest.param(None, True, True, id="setting, as DeepSeek-Coder has it"),
        pytest.param(BOS_TEMPLATE, False, False, id="the setting decides"),
    ],
)
def test_bos_in_front(processor: Any, setting: bool | None, adds_bos: bool, broken: Path) -> None:
    tokenizer = Tokenizer.from_file(str(broken / "tokenizer.json"))
    if processor is not None:
        tokenizer.post_processor = processor
    tokenizer.save(str(broken / "tokenizer.json"))
    edit_json(broken / "tokenizer_config.json", {"add_bos_token": setting})
    vocabulary = read_vocabulary(broken, json.loads((broken / "config.json").read_text())).vocabulary
    assert vocabulary.add_bos is adds_bos
    if setting is None:
        original = transformers.AutoTokenizer.from_pretrained(broken)
        assert (original("a").input_ids[0] == vocabulary.bos_id) is adds_bos


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
