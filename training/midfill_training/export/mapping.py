"""What a checkpoint becomes: its tensors under GGUF's names and in its row order, and the keys of its sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.architectures import BY_CLASS_NAME, Architecture, TensorRow
from midfill_training.export.checkpoint import Checkpoint
from midfill_training.export.rope import FREQUENCY_FACTORS, read_rope
from midfill_training.export.sizes import Sizes, read_sizes
from midfill_training.export.tensor_plan import ComputedTensor, LowRank, PlannedTensor, rope_rows

Value = str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]

# Buffers that some checkpoints carry along; they follow from config.json.
DERIVED = (".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias")


def find_architecture(checkpoint: Checkpoint) -> Architecture:
    """The row for a checkpoint; raises UnsupportedCheckpoint naming what is not there."""
    architecture = BY_CLASS_NAME.get(checkpoint.architecture)
    if architecture is None:
        raise UnsupportedCheckpoint(
            f"{checkpoint.folder}: {checkpoint.architecture} cannot be converted; {', '.join(BY_CLASS_NAME)} can. "
            "Missing for it: a row of tensor names, shapes and row orders in architectures.py"
        )
    for key, allowed in architecture.must_be.items():
        value = checkpoint.config.get(key, allowed[0])
        if value not in allowed:
            raise UnsupportedCheckpoint(
                f"{checkpoint.folder}: config.json has {key} = {value!r}, "
                f"which llama.cpp's {architecture.gguf} cannot do"
            )
    return architecture


def plan_tensors(checkpoint: Checkpoint, deltas: Mapping[str, LowRank] | None = None) -> list[PlannedTensor]:
    """All tensors of the GGUF, in the order of the file; `deltas` are added to the checkpoint's tensors by name.

    Raises BadCheckpoint for missing tensors and for shapes that contradict config.json, and UnsupportedCheckpoint for
    tensors that the architecture has no place for: dropping them would make another model.
    """
    architecture, sizes = find_architecture(checkpoint), read_sizes(checkpoint.config)
    deltas = dict(deltas or {})
    left = dict(checkpoint.tensors)
    if sizes.is_tied:
        left.pop("lm_head.weight", None)
    planned = []
    rope = read_rope(checkpoint.config, sizes.head)
    if rope.factors is not None:
        source = ComputedTensor(FREQUENCY_FACTORS, rope.factors)
        planned.append(PlannedTensor(FREQUENCY_FACTORS, source.shape, source))
    for row in architecture.rows(sizes.n_layers):
        source_tensor = left.pop(row.hf, None)
        if source_tensor is None:
            if row.required or (row.gguf == "output.weight" and not sizes.is_tied):
                raise BadCheckpoint(f"{checkpoint.folder}: the tensor {row.hf} is missing")
            continue
        shape = tensor_shape(row, sizes)
        if source_tensor.shape != shape:
            raise BadCheckpoint(
                f"{checkpoint.folder}: {row.hf} has shape {source_tensor.shape} "
                f"where config.json makes it {shape}; weights and config.json are not of one model"
            )
        planned.append(PlannedTensor(row.gguf, shape, source_tensor, row_order(row, sizes), deltas.pop(row.hf, None)))
    _refuse_left_over(checkpoint, [name for name in left if not name.endswith(DERIVED)])
    if deltas:
        raise BadCheckpoint(f"the adapter changes {next(iter(deltas))}, which the checkpoint does not have")
    return planned


def tensor_shape(row: TensorRow, sizes: Sizes) -> tuple[int, ...]:
    """Rows first."""
    return tuple(sizes.dimension(name) for name in row.shape.split())


def row_order(row: TensorRow, sizes: Sizes) -> NDArray[np.int64] | None:
    """The source row of each row of the GGUF; `None` where the order is the same."""
    if not row.rope:
        return None
    return rope_rows(sizes.n_heads if row.rope == "heads" else sizes.n_kv_heads, sizes.head)


def context_length(checkpoint: Checkpoint) -> int:
    """How many tokens llama.cpp computes as the checkpoint does: no more than its sliding window, if it has one."""
    window = checkpoint.config.get(find_architecture(checkpoint).window)
    n_context = read_sizes(checkpoint.config).n_context
    return min(n_context, window) if isinstance(window, int) and window > 0 else n_context


def _refuse_left_over(checkpoint: Checkpoint, names: Sequence[str]) -> None:
    if names:
        raise UnsupportedCheckpoint(
            f"{checkpoint.folder}: {len(names)} tensors have no place in {checkpoint.architecture}: "
            f"{', '.join(names[:3])}; merge adapters and remove heads that do not write text"
        )


def size_metadata(checkpoint: Checkpoint) -> dict[str, Value]:
    """The GGUF keys that describe the network."""
    architecture, sizes = find_architecture(checkpoint), read_sizes(checkpoint.config)
    rope = read_rope(checkpoint.config, sizes.head)
    eps_key, eps_name = architecture.norm_eps
    if eps_name not in checkpoint.config:
        raise BadCheckpoint(f"{checkpoint.folder}: config.json has no {eps_name}")
    values: dict[str, Value] = {
        "vocab_size": sizes.n_vocab,
        "context_length": context_length(checkpoint),
        "embedding_length": sizes.hidden,
        "block_count": sizes.n_layers,
        "feed_forward_length": sizes.ffn,
        "attention.head_count": sizes.n_heads,
        "attention.head_count_kv": sizes.n_kv_heads,
        "attention.key_length": sizes.head,
        "attention.value_length": sizes.head,
        eps_key: float(checkpoint.config[eps_name]),
        "rope.freq_base": rope.theta,
        **{f"rope.{key}": value for key, value in rope.metadata.items()},
    }
    if architecture.writes_rope_size:
        values["rope.dimension_count"] = sizes.head
    return {f"{architecture.gguf}.{key}": value for key, value in values.items()}
