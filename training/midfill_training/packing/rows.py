"""Rows of tokens as training reads them: memory-mapped arrays of one shape, written whole.

A folder of rows holds, for `n` rows of `length` tokens:

    tokens.npy      uint16 or uint32   token ids
    loss.npy        bool               whether the loss counts this token as a target
    group.npy       uint16             which group of the row a token belongs to, from 1; 0 fills the end of a row
    objective.npy   uint8              index into OBJECTIVES, for the loss of each objective by itself

A group is what may attend to itself: the part of one project in a row, or a single document where packing was asked to
keep documents apart. Position ids and attention masks follow from it, so they are not stored. Consecutive rows continue
each other (PAPER.md section 3): whoever shuffles them does it in blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadInput
from midfill_training.output import replacing

DTYPES = {"loss": np.dtype(np.bool_), "group": np.dtype(np.uint16), "objective": np.dtype(np.uint8)}


@dataclass(frozen=True)
class Rows:
    """Arrays of shape (n rows, length)."""

    tokens: NDArray[Any]
    loss: NDArray[np.bool_]
    group: NDArray[np.uint16]
    objective: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return int(self.tokens.shape[1])

    def row(self, at: int) -> Row:
        """One row."""
        return Row(self.tokens[at], self.loss[at], self.group[at], self.objective[at])


@dataclass(frozen=True)
class Row:
    """One row; the arrays of shape (length,)."""

    tokens: NDArray[Any]
    loss: NDArray[np.bool_]
    group: NDArray[np.uint16]
    objective: NDArray[np.uint8]


def token_dtype(n_vocab: int) -> np.dtype[Any]:
    """The smallest type that holds every id."""
    return np.dtype(np.uint16 if n_vocab <= 2**16 else np.uint32)


def write_rows(folder: Path, rows: Iterable[Row], length: int, n_vocab: int) -> int:
    """Write rows as they come and return how many there were. Raises OutputError; then nothing new has its name."""
    folder.mkdir(parents=True, exist_ok=True)
    dtypes = {"tokens": token_dtype(n_vocab), **DTYPES}
    with ExitStack() as stack:
        drafts = {name: stack.enter_context(replacing(folder / f"{name}.npy")) for name in dtypes}
        streams = {name: stack.enter_context(draft.open("wb")) for name, draft in drafts.items()}
        n_rows = 0
        for name, stream in streams.items():
            _write_header(stream, dtypes[name], 0, length)
        for row in rows:
            for name, stream in streams.items():
                stream.write(np.ascontiguousarray(getattr(row, name), dtype=dtypes[name]).data)
            n_rows += 1
        for name, stream in streams.items():
            stream.seek(0)
            _write_header(stream, dtypes[name], n_rows, length)
    return n_rows


def _write_header(stream: Any, dtype: np.dtype[Any], n_rows: int, length: int) -> None:
    """numpy pads its header so that a first axis may grow in place."""
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype.str, "fortran_order": False, "shape": (n_rows, length)}
    )


def open_rows(folder: Path) -> Rows:
    """The rows of a folder, memory-mapped; BadInput when they are missing, damaged, or of several shapes."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in ("tokens", *DTYPES):
        path = folder / f"{name}.npy"
        try:
            arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadInput(f"{path}: no rows of tokens ({error}); make them with `midfill-train pack`") from error
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or len(shapes["tokens"]) != 2:
        raise BadInput(f"{folder}: arrays of different shapes {shapes}; pack again")
    if not len(arrays["tokens"]):
        raise BadInput(f"{folder}: holds no rows; the corpus was empty or smaller than one row")
    return Rows(**arrays)
