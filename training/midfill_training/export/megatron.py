"""aiXcoder's original checkpoint: one Megatron `.pt` file, read by torch's restricted unpickler and memory-mapped.

Layout (the official repository's `megatron_mini`): `query_key_value` holds, for each key-value head, its query heads,
then its key, then its value; `w1` and `w3` are gate and up, `w2` is down. The file has no configuration: config.json
beside it counts if there is one, else the official values with the sizes the tensors show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.checkpoint import Checkpoint, Source, read_json

if TYPE_CHECKING:
    import torch

# What the official session and the Hugging Face conversion of the same weights agree on; the norm's epsilon is the
# latter's, since the session leaves it at an argument's default.
AIXCODER_CONFIG: Mapping[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 256_000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "add_bos_token": False,  # its sessions write <s> themselves
}
HEAD_SIZE = 128
WRAPPINGS = ("model", "module", "language_model", "llama_model")
FUSED = "layers.{}.attention.query_key_value.weight"
NAMES: Mapping[str, str] = {
    "tok_embeddings.weight": "model.embed_tokens.weight",
    "norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
    "layers.{}.attention_norm.weight": "model.layers.{}.input_layernorm.weight",
    "layers.{}.ffn_norm.weight": "model.layers.{}.post_attention_layernorm.weight",
    "layers.{}.attention.wo.weight": "model.layers.{}.self_attn.o_proj.weight",
    "layers.{}.feed_forward.w1.weight": "model.layers.{}.mlp.gate_proj.weight",
    "layers.{}.feed_forward.w3.weight": "model.layers.{}.mlp.up_proj.weight",
    "layers.{}.feed_forward.w2.weight": "model.layers.{}.mlp.down_proj.weight",
}


@dataclass(frozen=True)
class TorchTensor:
    """A tensor of the file (`Source`); `rows` picks the rows of a part of a fused tensor."""

    name: str
    tensor: torch.Tensor
    rows: NDArray[np.int64] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        n_rows = self.tensor.shape[0] if self.rows is None else len(self.rows)
        return (n_rows, *self.tensor.shape[1:])

    @property
    def dtype(self) -> str:
        return {"torch.bfloat16": "BF16", "torch.float16": "F16"}.get(str(self.tensor.dtype), "F32")

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        if self.rows is None:
            part = self.tensor[first:last]
        else:
            import torch

            part = self.tensor[torch.from_numpy(self.rows[first:last])]
        values: NDArray[np.float32] = part.float().numpy()
        return values


def open_megatron(path: Path) -> Checkpoint:
    """The checkpoint in the file `path`, its tokenizer beside it.

    Raises BadCheckpoint when it is missing or damaged, UnsupportedCheckpoint when it holds more than tensors.
    """
    stored = _flat(path, _load(path))
    sizes = _sizes(path, stored)
    config_path = path.with_name("config.json")
    config = {**AIXCODER_CONFIG, **sizes, **(read_json(config_path) if config_path.exists() else {})}
    tensors: dict[str, Source] = {}
    for name, tensor in stored.items():
        layer, pattern = _pattern(name)
        if pattern == FUSED:
            tensors |= _split_fused(path, layer, tensor, config)
        elif pattern in NAMES:
            tensors[NAMES[pattern].format(layer)] = TorchTensor(name, tensor)
        else:
            raise UnsupportedCheckpoint(f"{path}: {name} has no place in aiXcoder's Megatron layout")
    return Checkpoint(path.parent, config, tensors)


def fused_rows(n_heads: int, n_kv_heads: int, head_size: int) -> dict[str, NDArray[np.int64]]:
    """Which rows of `query_key_value` are q, k and v, each in the order of the heads."""
    n_shared = n_heads // n_kv_heads
    rows = np.arange((n_heads + 2 * n_kv_heads) * head_size, dtype=np.int64)
    groups = rows.reshape(n_kv_heads, n_shared + 2, head_size)
    return {"q": groups[:, :-2].reshape(-1), "k": groups[:, -2].reshape(-1), "v": groups[:, -1].reshape(-1)}


def _load(path: Path) -> Any:
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise UnsupportedCheckpoint(
            f"{path}: holds more than tensors, and loading it could run its code; "
            f"save the state dict alone with torch.save ({str(error).splitlines()[0][:160]})"
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise BadCheckpoint(f"{path}: cannot be read as a torch file: {str(error).splitlines()[0]}") from error


def _flat(path: Path, value: Any) -> dict[str, torch.Tensor]:
    """The state dict inside of its wrappings, whichever are there."""
    import torch

    while isinstance(value, dict) and any(isinstance(value.get(name), dict) for name in WRAPPINGS):
        value = next(value[name] for name in WRAPPINGS if isinstance(value.get(name), dict))
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{path}: holds no state dict")
    found = {str(name): tensor for name, tensor in value.items() if isinstance(tensor, torch.Tensor)}
    return {re.sub(r"^(language_model|module)\.", "", name): tensor for name, tensor in found.items()}


def _pattern(name: str) -> tuple[str, str]:
    found = re.match(r"layers\.(\d+)\.", name)
    return (found[1], re.sub(r"^layers\.\d+\.", "layers.{}.", name)) if found else ("", name)


def _sizes(path: Path, stored: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """What the shapes tell; the head size is aiXcoder's."""
    try:
        n_vocab, hidden = stored["tok_embeddings.weight"].shape
        ffn = stored["layers.0.feed_forward.w1.weight"].shape[0]
        n_fused = stored[FUSED.format(0)].shape[0]
    except KeyError as error:
        raise BadCheckpoint(f"{path}: has no {error.args[0]}; not aiXcoder's Megatron checkpoint") from None
    layers = {_pattern(name)[0] for name in stored} - {""}
    return {
        "vocab_size": n_vocab,
        "hidden_size": hidden,
        "intermediate_size": ffn,
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, hidden // HEAD_SIZE),
        "num_key_value_heads": max(1, (n_fused - hidden) // (2 * HEAD_SIZE)),
    }


def _split_fused(path: Path, layer: str, tensor: torch.Tensor, config: Mapping[str, Any]) -> dict[str, Source]:
    n_heads, n_kv_heads = int(config["num_attention_heads"]), int(config["num_key_value_heads"])
    head = int(config.get("head_dim") or config["hidden_size"] // n_heads)
    if tensor.shape[0] != (n_heads + 2 * n_kv_heads) * head:
        raise BadCheckpoint(
            f"{path}: query_key_value has {tensor.shape[0]:,} rows, which {n_heads} query and {n_kv_heads} key-value "
            f"heads of {head} do not make; put the model's config.json beside the file"
        )
    parts = fused_rows(n_heads, n_kv_heads, head)
    return {
        f"model.layers.{layer}.self_attn.{part}_proj.weight": TorchTensor(
            f"{FUSED.format(layer)} ({part})", tensor, rows
        )
        for part, rows in parts.items()
    }
