"""Importance matrices from a file: how much each input of a matrix matters, as llama.cpp's imatrix tool measured it.

Two layouts: GGUF (`<tensor>.in_sum2` and `<tensor>.counts`), and the older binary one (counts and names, then floats).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint

SUMS, COUNTS = ".in_sum2", ".counts"
MAX_NAME_BYTES = 512


def read_imatrix(path: Path) -> dict[str, NDArray[np.float32]]:
    """Mean squared inputs by tensor name; raises BadCheckpoint when the file is none."""
    try:
        with path.open("rb") as stream:
            is_gguf = stream.read(4) == b"GGUF"
        found = _from_gguf(path) if is_gguf else _from_binary(path.read_bytes())
    except (OSError, ValueError, struct.error) as error:
        raise BadCheckpoint(f"{path}: cannot be read as an importance matrix: {error}") from error
    if not found:
        raise BadCheckpoint(f"{path}: no importance matrix in it")
    return found


def _from_gguf(path: Path) -> dict[str, NDArray[np.float32]]:
    from gguf import GGUFReader

    tensors: dict[str, NDArray[Any]] = {tensor.name: np.asarray(tensor.data) for tensor in GGUFReader(path).tensors}
    found = {}
    for name, sums in tensors.items():
        counts = tensors.get(name.removesuffix(SUMS) + COUNTS)
        if name.endswith(SUMS) and counts is not None:
            means = sums.reshape(counts.size, -1) / np.maximum(counts.reshape(-1, 1), 1)
            found[name.removesuffix(SUMS)] = np.ascontiguousarray(means.reshape(-1), np.float32)
    return found


def _from_binary(data: bytes) -> dict[str, NDArray[np.float32]]:
    """int32 count; per entry int32 length, name, int32 calls, int32 values, float32 sums."""
    (n_entries,) = struct.unpack_from("<i", data)
    at, found = 4, {}
    for _ in range(n_entries):
        (n_name,) = struct.unpack_from("<i", data, at)
        if not 0 < n_name <= MAX_NAME_BYTES:
            raise ValueError(f"a name of {n_name:,} bytes")
        name = data[at + 4 : at + 4 + n_name].decode()
        n_calls, n_values = struct.unpack_from("<ii", data, at + 4 + n_name)
        at += 12 + n_name
        values = np.frombuffer(data, "<f4", n_values, at) / max(1, n_calls)
        found[name] = np.ascontiguousarray(values, np.float32)
        at += 4 * n_values
    return found
