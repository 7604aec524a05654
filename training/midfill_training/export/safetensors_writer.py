"""Writes sharded safetensors row by row: the counterpart of `safetensors_file`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.export.safetensors_file import INDEX, N_BYTES
from midfill_training.export.tensor_plan import PlannedTensor

MAX_SHARD_BYTES = 4 * 10**9  # what hubs and transformers split at


def write_shards(folder: Path, tensors: Sequence[PlannedTensor], dtype: str) -> None:
    """Write `tensors` as `dtype` ("F32", "F16" or "BF16") to model.safetensors, or to shards with an index."""
    shards: list[list[PlannedTensor]] = [[]]
    n_bytes = 0
    for tensor in tensors:
        if shards[-1] and n_bytes + tensor.n_values * N_BYTES[dtype] > MAX_SHARD_BYTES:
            shards.append([])
            n_bytes = 0
        shards[-1].append(tensor)
        n_bytes += tensor.n_values * N_BYTES[dtype]
    if len(shards) == 1:
        _write(folder / "model.safetensors", tensors, dtype)
        return
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        _write(folder / name, shard, dtype)
        places |= {tensor.name: name for tensor in shard}
    total = sum(tensor.n_values for tensor in tensors) * N_BYTES[dtype]
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _write(path: Path, tensors: Sequence[PlannedTensor], dtype: str) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + tensor.n_values * N_BYTES[dtype]
        header[tensor.name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data begins aligned, as readers that map the file like it
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            for values in tensor.chunks():
                stream.write(_stored(values, dtype).data)


def _stored(values: NDArray[np.float32], dtype: str) -> NDArray[Any]:
    if dtype == "F32":
        return np.ascontiguousarray(values)
    if dtype == "F16":
        return np.ascontiguousarray(values.astype(np.float16))
    bits = np.ascontiguousarray(values).view(np.uint32)
    nearest_even = bits + (0x7FFF + ((bits >> 16) & 1))
    halves: NDArray[np.uint16] = (nearest_even >> 16).astype(np.uint16)
    return halves
