"""A GGUF becomes a Hugging Face checkpoint again: to fine-tune a model of which only the GGUF is at hand.

Tensors get their names and row order back, quantised ones as what they stand for; config.json comes from the
metadata. The tokenizer is rebuilt (`restore_tokenizer`) or copied from a folder.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midfill_model.files.gguf_file import header_of
from midfill_model.files.gguf_layout import Layout, read_layout
from midfill_training.errors import BadCheckpoint, OutputError, UnsupportedCheckpoint
from midfill_training.export.architectures import BY_GGUF_NAME, Architecture
from midfill_training.export.gguf_weights import GgufTensor, gguf_tensors
from midfill_training.export.mapping import row_order, tensor_shape
from midfill_training.export.restore_tokenizer import write_tokenizer
from midfill_training.export.rope import FREQUENCY_FACTORS
from midfill_training.export.safetensors_file import N_BYTES
from midfill_training.export.safetensors_writer import write_shards
from midfill_training.export.sizes import read_sizes
from midfill_training.export.tensor_plan import PlannedTensor
from midfill_training.export.tokenizer import copy_tokenizer
from midfill_training.output import check_space

DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16"}
TORCH_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
MODEL_TYPES = {"llama": "llama", "qwen2": "qwen2", "starcoder2": "starcoder2"}


@dataclass(frozen=True)
class Restored:
    """What was written; `was` is the file type the weights went through."""

    folder: Path
    architecture: str
    n_tensors: int
    dtype: str
    was: str


def restore(path: Path, folder: Path, *, dtype: str = "f16", tokenizer: Path | None = None) -> Restored:
    """Write the model of the GGUF at `path` as a checkpoint to `folder`, which must not exist.

    Raises BadInput for a `tokenizer` that is none, OutputError, UnsupportedCheckpoint for architectures without a row,
    and the ModelErrors of a bad GGUF. The folder appears when it is complete.
    """
    if folder.exists():
        raise OutputError(f"{folder}: exists; choose another folder")
    layout = read_layout(path)
    header = header_of(layout)
    architecture = BY_GGUF_NAME.get(header.architecture)
    if architecture is None:
        raise UnsupportedCheckpoint(f"{path}: {header.architecture} has no row in architectures.py; {_known()} have")
    config = restored_config(layout, architecture)
    tensors = _tensors(layout, architecture, config)
    stored_as = DTYPES[dtype]
    check_space(folder, sum(tensor.n_values for tensor in tensors) * N_BYTES[stored_as])
    draft = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed
        draft.mkdir()
        config["dtype"] = TORCH_NAMES[stored_as]
        (draft / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if tokenizer is not None:
            copy_tokenizer(tokenizer, draft)
        else:
            write_tokenizer(layout, draft)
        write_shards(draft, tensors, stored_as)
        draft.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}. Nothing is left") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Restored(folder, architecture.class_names[0], len(tensors), dtype, header.file_type)


def restored_config(layout: Layout, architecture: Architecture) -> dict[str, Any]:
    """config.json for the metadata; raises UnsupportedCheckpoint where it says what config.json cannot."""
    name = architecture.gguf

    def value(key: str, default: Any = None) -> Any:
        found = layout.values.get(f"{name}.{key}", default)
        if found is None:
            raise BadCheckpoint(f"{layout.path}: the metadata has no {name}.{key}")
        return found

    n_heads, hidden = value("attention.head_count"), value("embedding_length")
    eps_key, eps_name = architecture.norm_eps
    n_vocab = next(tensor.shape[-1] for tensor in layout.tensors if tensor.name == "token_embd.weight")
    tensors = {tensor.name for tensor in layout.tensors}
    config: dict[str, Any] = {
        "architectures": [architecture.class_names[0]],
        "model_type": MODEL_TYPES[name],
        "vocab_size": n_vocab,
        "hidden_size": hidden,
        "intermediate_size": value("feed_forward_length"),
        "num_hidden_layers": value("block_count"),
        "num_attention_heads": n_heads,
        "num_key_value_heads": value("attention.head_count_kv", n_heads),
        "head_dim": value("attention.key_length", hidden // n_heads),
        "max_position_embeddings": value("context_length"),
        eps_name: _short(value(eps_key)),
        "rope_parameters": _rope(layout, name, FREQUENCY_FACTORS in tensors),
        "hidden_act": architecture.must_be["hidden_act"][0],
        "tie_word_embeddings": "output.weight" not in tensors,
        "bos_token_id": layout.values.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": layout.values.get("tokenizer.ggml.eos_token_id"),
    }
    has_bias = "blk.0.attn_q.bias" in tensors
    biases = {"llama": {"attention_bias": has_bias, "mlp_bias": "blk.0.ffn_up.bias" in tensors}}
    return config | biases.get(name, {"use_bias": has_bias} if name == "starcoder2" else {})


def _rope(layout: Layout, name: str, has_factors: bool) -> dict[str, Any]:
    if has_factors:
        raise UnsupportedCheckpoint(f"{layout.path}: Llama 3's RoPE factors cannot be turned into config.json")
    theta = layout.values.get(f"{name}.rope.freq_base", 10_000.0)
    kind = layout.values.get(f"{name}.rope.scaling.type", "none")
    table: dict[str, Any] = {"rope_theta": theta, "rope_type": "default" if kind == "none" else kind}
    if kind != "none":
        table["factor"] = layout.values.get(f"{name}.rope.scaling.factor", 1.0)
    if kind == "yarn":
        table["original_max_position_embeddings"] = layout.values.get(f"{name}.rope.scaling.original_context_length")
    return table


def _short(value: float) -> float:
    """The decimal number a float32 was written as: 1e-05 and not 9.999999747378752e-06."""
    return float(str(np.float32(value)))


def _tensors(layout: Layout, architecture: Architecture, config: dict[str, Any]) -> list[PlannedTensor]:
    left: dict[str, GgufTensor] = gguf_tensors(layout)
    sizes = read_sizes(config)
    planned = []
    for row in architecture.rows(sizes.n_layers):
        found = left.pop(row.gguf, None)
        if found is None:
            if row.required:
                raise BadCheckpoint(f"{layout.path}: the tensor {row.gguf} is missing")
            continue
        shape = tensor_shape(row, sizes)
        if found.shape != shape:
            raise BadCheckpoint(f"{layout.path}: {row.gguf} is {found.shape} where the metadata makes it {shape}")
        order = row_order(row, sizes)
        planned.append(PlannedTensor(row.hf, shape, found, None if order is None else np.argsort(order)))
    if left:
        raise UnsupportedCheckpoint(f"{layout.path}: {next(iter(left))} has no place in {architecture.class_names[0]}")
    return planned


def _known() -> str:
    return ", ".join(BY_GGUF_NAME)
