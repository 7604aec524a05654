"""Tensors of a GGUF, read row by row as float32 whatever type they are stored in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from midfill_model.files.gguf_file import tensor_type_name
from midfill_model.files.gguf_layout import Layout, TensorInfo
from midfill_training.errors import BadCheckpoint


@dataclass(frozen=True)
class GgufTensor:
    """A tensor of a GGUF (`Source`); `shape` in numpy's order, rows first."""

    path: Path
    info: TensorInfo
    data_offset: int

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.info.shape[::-1]

    @property
    def type_name(self) -> str:
        return tensor_type_name(self.info)

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows `first` to `last` (exclusive), dequantised. For a vector, its elements."""
        from gguf import GGMLQuantizationType, quants

        n_row_bytes = self.info.n_bytes // self.shape[0]
        start = self.data_offset + self.info.offset + first * n_row_bytes
        data = np.fromfile(self.path, np.uint8, (last - first) * n_row_bytes, offset=start)
        if data.size < (last - first) * n_row_bytes:
            raise BadCheckpoint(f"{self.path}: ends inside {self.name}; get the file again")
        rows = data.reshape(-1, n_row_bytes * (last - first) if len(self.shape) == 1 else n_row_bytes)
        values: NDArray[np.float32] = quants.dequantize(rows, GGMLQuantizationType(self.info.kind))
        return values.astype(np.float32, copy=False).reshape(last - first, *self.shape[1:])

    @property
    def n_values(self) -> int:
        return math.prod(self.shape)


def gguf_tensors(layout: Layout) -> dict[str, GgufTensor]:
    """All tensors by name, in the order of the file."""
    return {info.name: GgufTensor(layout.path, info, layout.data_offset) for info in layout.tensors}
