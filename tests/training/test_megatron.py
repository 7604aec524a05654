"""aiXcoder's original file: the same model as its Hugging Face form, and nothing that runs code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from midfill_model.files.gguf_layout import read_layout
from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.gguf_weights import gguf_tensors
from midfill_training.export.verify import VerifyOptions, verify
from training import checkpoints


@pytest.fixture
def original(llama: Path, tmp_path: Path) -> Path:
    """The Llama checkpoint as a Megatron file, with tokenizer and config.json beside it."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama / name, tmp_path / name)
    return checkpoints.write_megatron(llama, tmp_path / "aix3-tiny.pt")


def test_the_same_tensors_and_logits(original: Path, llama: Path, llama_gguf: Path, tmp_path: Path) -> None:
    export(original, tmp_path / "out.gguf", ExportOptions())
    ours, theirs = (gguf_tensors(read_layout(path)) for path in (tmp_path / "out.gguf", llama_gguf))
    assert list(ours) == list(theirs)
    for name, tensor in ours.items():
        assert (tensor.read(0, tensor.shape[0]) == theirs[name].read(0, tensor.shape[0])).all(), name
    assert verify(llama, tmp_path / "out.gguf", VerifyOptions()).findings == ()
    assert verify(original, tmp_path / "out.gguf", VerifyOptions()).findings == ()


def test_official_values_without_a_config(tmp_path: Path) -> None:
    """Sizes from the shapes, with heads of 128 as aiXcoder has them."""
    folder = checkpoints.write_llama(
        tmp_path / "hf", hidden_size=256, intermediate_size=512, num_attention_heads=2, num_key_value_heads=1
    )
    (tmp_path / "alone").mkdir()
    path = checkpoints.write_megatron(folder, tmp_path / "alone" / "aix3.pt")
    shutil.copy(folder / "tokenizer.json", path.parent)
    export(path, tmp_path / "out.gguf", ExportOptions())
    values = read_layout(tmp_path / "out.gguf").values
    assert values["llama.attention.head_count"] == 2
    assert values["llama.attention.head_count_kv"] == 1
    assert values["llama.feed_forward_length"] == 512
    assert values["llama.context_length"] == 32768
    assert values["llama.rope.freq_base"] == 256_000.0
    assert values["tokenizer.ggml.add_bos_token"] is False


def test_a_pickle_with_code_is_not_run(original: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"model": Evil()}, original)
    with pytest.raises(UnsupportedCheckpoint, match="loading it could run its code"):
        export(original, tmp_path / "out.gguf", ExportOptions())
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out.gguf").exists()


@pytest.mark.parametrize("data", [b"", b"not a zip file", b"PK\x03\x04"])
def test_damaged_files(data: bytes, original: Path, tmp_path: Path) -> None:
    original.write_bytes(data)
    with pytest.raises((BadCheckpoint, UnsupportedCheckpoint)):
        export(original, tmp_path / "out.gguf", ExportOptions())


def test_heads_that_do_not_fit(original: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"put the model's config\.json beside the file"):
        export(original, tmp_path / "out.gguf", ExportOptions())


def test_another_layout(tmp_path: Path) -> None:
    torch.save({"transformer.wte.weight": torch.zeros(2, 2)}, tmp_path / "gpt.pt")
    with pytest.raises(BadCheckpoint, match="not aiXcoder's Megatron checkpoint"):
        export(tmp_path / "gpt.pt", tmp_path / "out.gguf", ExportOptions())
