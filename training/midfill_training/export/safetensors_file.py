"""One safetensors file: where its tensors lie, and rows of them read on demand.

The header is read here and not by the `safetensors` library, because its numpy side knows no bfloat16 and because a
header is somebody else's data: lengths, offsets and shapes are checked against the file before anything is allocated.
Format: 8 bytes little-endian header length, a JSON object name -> {dtype, shape, data_offsets}, then the data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint

INDEX = "model.safetensors.index.json"  # which shard has which tensor
MAX_HEADER_BYTES = 100 * 2**20  # the limit of the reference implementation
# bfloat16 is kept as the bits it has: numpy has no such type.
DTYPES: Mapping[str, Any] = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
N_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: row-major floats of type `dtype` from byte `offset` on."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * N_BYTES[self.dtype]

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows `first` to `last` (exclusive) as float32, shape (last - first, *shape[1:])."""
        n_row = math.prod(self.shape[1:])
        start = self.offset + first * n_row * N_BYTES[self.dtype]
        n_values = (last - first) * n_row
        try:
            values = np.fromfile(self.path, DTYPES[self.dtype], n_values, offset=start)
        except OSError as error:
            raise BadCheckpoint(f"{self.path}: cannot be read: {error.strerror or error}") from error
        if values.size < n_values:
            raise BadCheckpoint(f"{self.path}: ends inside {self.name}; the file is cut short, get it again")
        return to_float32(values, self.dtype).reshape(last - first, *self.shape[1:])


def to_float32(values: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    """Stored values as float32; exact for all types but F64."""
    if dtype == "BF16":
        bits: NDArray[np.uint32] = values.astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32)
    floats: NDArray[np.float32] = values.astype(np.float32, copy=False)
    return floats


def read_tensor_table(path: Path) -> dict[str, StoredTensor]:
    """All tensors by name; raises BadCheckpoint for a damaged file and UnsupportedCheckpoint for other types."""
    try:
        file_bytes = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(8)
            n_header = int.from_bytes(start, "little")
            if len(start) < 8 or n_header > file_bytes - 8:
                raise BadCheckpoint(f"{path}: cut short or no safetensors file; get it again")
            if n_header > MAX_HEADER_BYTES:
                raise BadCheckpoint(f"{path}: its header claims {n_header:,} bytes; this is no weights file")
            header = json.loads(stream.read(n_header))
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadCheckpoint(f"{path}: the header is damaged ({error}); get the file again") from error
    if not isinstance(header, dict):
        raise BadCheckpoint(f"{path}: the header is damaged (no table); get the file again")
    header.pop("__metadata__", None)
    return {name: _stored(path, name, entry, 8 + n_header, file_bytes) for name, entry in header.items()}


def _stored(path: Path, name: str, entry: Any, data_start: int, file_bytes: int) -> StoredTensor:
    try:
        dtype, shape, (begin, end) = str(entry["dtype"]), tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise BadCheckpoint(f"{path}: the header is damaged at {name[:80]!r}; get the file again") from None
    if dtype not in DTYPES:
        raise UnsupportedCheckpoint(
            f"{path}: {name} has type {dtype}; weights must be {', '.join(DTYPES)}: "
            "save the model unquantised, e.g. model.to(torch.bfloat16).save_pretrained(...)"
        )
    if not all(type(number) is int and 0 <= number < 2**48 for number in (*shape, begin, end)):
        raise BadCheckpoint(f"{path}: the header is damaged at {name[:80]!r}; get the file again")
    if end - begin != math.prod(shape) * N_BYTES[dtype]:
        raise BadCheckpoint(f"{path}: {name} has shape {shape} but {end - begin:,} bytes; get the file again")
    if data_start + end > file_bytes:
        raise BadCheckpoint(
            f"{path}: ends after {file_bytes:,} bytes where {name} needs {data_start + end:,}; "
            "the shard is cut short, get it again"
        )
    return StoredTensor(path, name, dtype, shape, data_start + begin)
