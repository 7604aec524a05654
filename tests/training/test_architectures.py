"""Each architecture: transformers and llama.cpp agree on logits and on token ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from midfill_model.files.gguf_layout import read_layout
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.llama_process import logits, tokenise
from midfill_training.export.reference_logits import divergence, load_reference, logits_of
from midfill_training.export.verify import VerifyOptions, verify
from training import checkpoints
from training.code_lines import code_lines

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LINEAR_ROPE = {"rope_type": "linear", "rope_theta": 100_000.0, "factor": 4.0}
YARN_ROPE = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 128}

Writer = Callable[[Path], Path]


def llama_with(**changes: Any) -> Writer:
    return lambda folder: checkpoints.write_llama(folder, **changes)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(checkpoints.write_llama, id="llama"),
        pytest.param(checkpoints.write_qwen2, id="qwen2"),
        pytest.param(checkpoints.write_starcoder2, id="starcoder2"),
        pytest.param(llama_with(tie_word_embeddings=True), id="llama, tied"),
        pytest.param(llama_with(attention_bias=True, mlp_bias=True), id="llama with biases"),
        pytest.param(llama_with(head_dim=32), id="llama with a head size of its own"),
        pytest.param(llama_with(num_key_value_heads=4), id="llama, multi-head"),
        pytest.param(llama_with(rope_parameters=LINEAR_ROPE), id="llama, linear rope"),
        pytest.param(llama_with(rope_parameters=LLAMA3_ROPE), id="llama, llama3 rope"),
        pytest.param(llama_with(rope_parameters=YARN_ROPE), id="llama, yarn rope"),
    ],
)
def test_logits_agree(write: Writer, tmp_path: Path) -> None:
    folder = write(tmp_path / "checkpoint")
    export(folder, tmp_path / "out.gguf", ExportOptions())
    report = verify(folder, tmp_path / "out.gguf", VerifyOptions())
    assert report.findings == ()
    assert report.divergence is not None
    assert report.divergence.n_tokens == checkpoints.N_CONTEXT
    assert report.divergence.mean_kl <= 1e-3


def test_a_sliding_window_is_where_the_context_ends(tmp_path: Path) -> None:
    """Up to the window both compute the same; beyond it llama.cpp's graph, which has none, is another model."""
    folder = checkpoints.write_starcoder2(tmp_path / "checkpoint", sliding_window=128)
    done = export(folder, tmp_path / "out.gguf", ExportOptions())
    assert done.limits[0].startswith("context 128 tokens instead of 512: the model has a sliding window")
    assert read_layout(tmp_path / "out.gguf").values["starcoder2.context_length"] == 128
    report = verify(folder, tmp_path / "out.gguf", VerifyOptions())
    assert report.findings == ()
    assert report.divergence is not None
    assert report.divergence.n_tokens == 128
    tokens = [token % 1000 for token in range(7, 3 * 300, 3)]
    reference = logits_of(load_reference(folder, open_checkpoint(folder)), tokens)
    found = logits(tmp_path / "out.gguf", tokens)
    assert divergence(reference[:128], found[:128]).max_kl < 1e-3
    assert divergence(reference[128:], found[128:]).mean_kl > 1e-3


@pytest.mark.parametrize("write", [checkpoints.write_llama, checkpoints.write_qwen2, checkpoints.write_starcoder2])
def test_ids_agree_on_2000_lines(write: Writer, tmp_path: Path) -> None:
    folder = write(tmp_path / "checkpoint")
    export(folder, tmp_path / "out.gguf", ExportOptions())
    original = Tokenizer.from_file(str(folder / "tokenizer.json"))
    lines = code_lines()
    expected = [original.encode(line, add_special_tokens=False).ids for line in lines]
    assert tokenise(tmp_path / "out.gguf", lines, special=False) == expected
    _, before, after, between, _ = checkpoints.QWEN_MARKERS if "<|fim" in original.id_to_token(1) else _STARCODER
    marked = [f"{before}{line}{after}{line[::-1]}{between}" for line in lines]
    expected = [original.encode(text, add_special_tokens=False).ids for text in marked]
    assert tokenise(tmp_path / "out.gguf", marked, special=True) == expected


_STARCODER = checkpoints.STARCODER_MARKERS


@pytest.mark.parametrize(
    ("dtype", "file_type"), [("bfloat16", "f16"), ("bfloat16", "bf16"), ("float16", "f32"), ("float16", "q8_0")]
)
def test_checkpoint_and_file_types(dtype: str, file_type: str, tmp_path: Path) -> None:
    import torch

    folder = checkpoints.write_llama(tmp_path / "checkpoint", dtype=getattr(torch, dtype))
    export(folder, tmp_path / "out.gguf", ExportOptions(file_type=file_type))
    assert verify(folder, tmp_path / "out.gguf", VerifyOptions()).findings == ()
