"""LoRA adapters of PEFT: read, merged into a checkpoint while it is exported, or written as a GGUF adapter.

A GGUF adapter keeps what it learned beside a quantised base; merged and quantised to 4 bits, small changes vanish.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.architectures import TensorRow
from midfill_training.export.checkpoint import Checkpoint, read_json
from midfill_training.export.mapping import Value, find_architecture, row_order, tensor_shape
from midfill_training.export.safetensors_file import StoredTensor, read_tensor_table
from midfill_training.export.sizes import read_sizes
from midfill_training.export.tensor_plan import ComputedTensor, LowRank, PlannedTensor
from midfill_training.export.writer import write_gguf
from midfill_training.output import check_output

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
# Settings whose effect is no low-rank sum, and the values under which they do nothing.
MUST_BE: Mapping[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "use_dora": (False, None),
    "fan_in_fan_out": (False, None),
    "bias": ("none", None),
    "modules_to_save": (None, []),
    "trainable_token_indices": (None, []),
    "target_parameters": (None, []),
    "lora_bias": (False, None),
}


@dataclass(frozen=True)
class Adapter:
    """`deltas` by the name of the checkpoint's tensor, rows in the checkpoint's order; `alpha` as PEFT was given it."""

    deltas: Mapping[str, LowRank]
    alpha: float


def read_adapter(folder: Path, checkpoint: Checkpoint) -> Adapter:
    """The adapter in `folder` for `checkpoint`, of which only config.json is read.

    Raises BadCheckpoint when the shapes do not fit, UnsupportedCheckpoint for DoRA, trained biases and the like.
    """
    config = read_json(folder / CONFIG)
    for key, allowed in MUST_BE.items():
        if config.get(key, allowed[-1]) not in allowed:
            raise UnsupportedCheckpoint(
                f"{folder / CONFIG}: {key} = {config[key]!r} cannot be converted; "
                "merge it with PEFT (model.merge_and_unload()) and export the merged checkpoint"
            )
    if not (folder / WEIGHTS).exists():
        raise BadCheckpoint(f"{folder / WEIGHTS}: missing; save the adapter with save_pretrained(...)")
    stored = read_tensor_table(folder / WEIGHTS)
    rows = {row.hf: row for row in find_architecture(checkpoint).rows(read_sizes(checkpoint.config).n_layers)}
    deltas = {}
    for name in [name for name in stored if ".lora_A." in name]:
        b_name = name.replace(".lora_A.", ".lora_B.")
        target = re.sub(r"\.lora_A\.(\w+\.)?weight$", ".weight", name).removeprefix(PREFIX)
        if b_name not in stored or target not in rows:
            raise BadCheckpoint(f"{folder}: {name} belongs to no tensor of the base; is it another model's adapter?")
        deltas[target] = _delta(folder, config, rows[target], checkpoint, stored.pop(name), stored.pop(b_name))
    if stored or not deltas:
        raise UnsupportedCheckpoint(f"{folder / WEIGHTS}: {next(iter(stored), 'no tensor')} is no LoRA matrix")
    return Adapter(deltas, float(config["lora_alpha"]))


def _delta(
    folder: Path, config: Mapping[str, Any], row: TensorRow, checkpoint: Checkpoint, a: StoredTensor, b: StoredTensor
) -> LowRank:
    sizes = read_sizes(checkpoint.config)
    n_rows, n_columns = tensor_shape(row, sizes)
    rank = a.shape[0]
    if a.shape != (rank, n_columns) or b.shape != (n_rows, rank):
        raise BadCheckpoint(
            f"{folder}: {a.name} is {a.shape} and {b.name} is {b.shape} for a tensor of {(n_rows, n_columns)}; "
            "is it another model's adapter?"
        )
    if row.hf == "lm_head.weight" and sizes.is_tied:
        raise UnsupportedCheckpoint(f"{folder}: it changes lm_head, which the base ties to its embedding")
    module = row.hf.removesuffix(".weight")
    alpha = float(_matching(config.get("alpha_pattern") or {}, module, config["lora_alpha"]))
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return LowRank(a.read(0, rank), b.read(0, n_rows), scale)


def _matching(patterns: Mapping[str, Any], module: str, default: Any) -> Any:
    """PEFT matches a pattern at the end of a module's name."""
    return next((value for key, value in patterns.items() if re.match(rf"(.*\.)?({key})$", module)), default)


def export_adapter(folder: Path, base: Checkpoint, output: Path, *, file_type: str = "f32", force: bool = False) -> int:
    """Write the adapter in `folder` as a GGUF adapter for the GGUF of `base`; returns how many tensors it changes."""
    check_output(output, force=force)
    adapter, architecture = read_adapter(folder, base), find_architecture(base)
    sizes = read_sizes(base.config)
    tensors = []
    for row in architecture.rows(sizes.n_layers):
        if row.hf in adapter.deltas:
            delta = adapter.deltas[row.hf]
            # llama.cpp multiplies by alpha / rank, one alpha for the file: what differs from that goes into b.
            b = delta.b * np.float32(delta.scale * delta.a.shape[0] / adapter.alpha)
            tensors += [
                _planned(f"{row.gguf}.lora_a", delta.a),
                PlannedTensor(f"{row.gguf}.lora_b", b.shape, ComputedTensor(row.hf, b), row_order(row, sizes)),
            ]
    metadata: dict[str, Value] = {
        "general.type": "adapter",
        "general.name": folder.resolve().name,
        "general.file_type": 0 if file_type == "f32" else 1,
        "adapter.type": "lora",
        "adapter.lora.alpha": adapter.alpha,
    }
    write_gguf(output, architecture.gguf, metadata, tensors, file_type)
    return len(adapter.deltas)


def _planned(name: str, values: np.ndarray[Any, np.dtype[np.float32]]) -> PlannedTensor:
    return PlannedTensor(name, values.shape, ComputedTensor(name, values))
