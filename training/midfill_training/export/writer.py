"""Writes GGUF files tensor by tensor: memory for a few rows, another name until everything is there.

The `gguf` library writes the header; the rows are appended here, because it wants every tensor whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from midfill_model.files.gguf_metadata import add_value
from midfill_model.files.random_model import Vocabulary
from midfill_training.errors import OutputError
from midfill_training.export.mapping import Value
from midfill_training.export.resuming import Draft
from midfill_training.export.tensor_plan import PlannedTensor
from midfill_training.export.vocabulary import vocabulary_metadata
from midfill_training.output import check_space, replacing

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType

ALIGNMENT = 32  # bytes; GGUF's default
HEADER_BYTES = 64 * 2**20  # more than any vocabulary takes
F16_MAX = 65504.0
SAVE_EVERY_BYTES = 512 * 2**20  # each save costs a sync of the disk, and may spare so much work


def stored_type(tensor: PlannedTensor, matrix_type: str) -> GGMLQuantizationType:
    """Matrices are stored as `matrix_type` ("f16"), vectors as f32; rows that do not fill whole blocks as f16."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(tensor.shape) == 1:
        return GGMLQuantizationType.F32
    wanted = GGMLQuantizationType[matrix_type.upper()]
    return wanted if tensor.shape[-1] % GGML_QUANT_SIZES[wanted][0] == 0 else GGMLQuantizationType.F16


def stored_bytes(tensor: PlannedTensor, matrix_type: str) -> int:
    """Size of a tensor in the file, without padding."""
    from gguf import quant_shape_to_byte_shape

    kind = stored_type(tensor, matrix_type)
    return prod(quant_shape_to_byte_shape(tensor.shape, kind))


def write_gguf(
    path: Path, architecture: str, metadata: Mapping[str, Value], tensors: Sequence[PlannedTensor], matrix_type: str
) -> None:
    """Write a small file to `path`, which may exist: it is replaced when the new one is complete.

    Raises OutputError when the disk is full or not writable, and what the tensors raise when they are read. Nothing
    is left behind then.
    """
    with replacing(path) as part:
        _write_header(part, architecture, metadata, tensors, matrix_type)
        with part.open("ab") as stream:
            for tensor in tensors:
                _write_tensor(stream, tensor, matrix_type)
            _pad(stream)


def write_draft(
    draft: Draft,
    architecture: str,
    metadata: Mapping[str, Value],
    tensors: Sequence[PlannedTensor],
    matrix_type: str,
    *,
    show_progress: bool = False,
) -> None:
    """Write the same to a draft, going on after the tensors that are whole in it."""
    n_bytes = sum(stored_bytes(tensor, matrix_type) for tensor in tensors)
    check_space(draft.output, n_bytes + HEADER_BYTES - draft.n_bytes)
    if draft.n_tensors:
        os.truncate(draft.path, draft.n_bytes)
    else:
        _write_header(draft.path, architecture, metadata, tensors, matrix_type)
    with draft.path.open("ab") as stream, _progress(n_bytes, draft.n_bytes, show_progress) as progress:
        for number, tensor in enumerate(tensors[draft.n_tensors :], draft.n_tensors + 1):
            _write_tensor(stream, tensor, matrix_type, progress.update)
            if stream.tell() - draft.n_bytes >= SAVE_EVERY_BYTES:
                draft.save(stream, number)
        _pad(stream)
        draft.save(stream, len(tensors))


def _write_tensor(
    stream: BinaryIO, tensor: PlannedTensor, matrix_type: str, tell: Callable[[int], object] = lambda n_bytes: None
) -> None:
    _pad(stream)
    for values in tensor.chunks():
        data = _stored(values, tensor, matrix_type)
        stream.write(data.data)
        tell(data.nbytes)


def _pad(stream: BinaryIO) -> None:
    stream.write(bytes(-stream.tell() % ALIGNMENT))


def write_vocabulary_file(path: Path, vocabulary: Vocabulary) -> Path:
    """A GGUF with a tokenizer and nothing else, for llama.cpp to tokenise with."""
    write_gguf(path, "llama", vocabulary_metadata(vocabulary), (), "f16")
    return path


def write_hollow_gguf(
    path: Path, architecture: str, metadata: Mapping[str, Value], tensors: Sequence[PlannedTensor]
) -> None:
    """A file whose header is that of an f16 file and whose weights are a hole: for llama.cpp to plan with."""
    _write_header(path, architecture, metadata, tensors, "f16")
    n_bytes = sum(stored_bytes(tensor, "f16") + ALIGNMENT for tensor in tensors)
    os.truncate(path, path.stat().st_size + ALIGNMENT + n_bytes)


def _write_header(
    part: Path, architecture: str, metadata: Mapping[str, Value], tensors: Sequence[PlannedTensor], matrix_type: str
) -> None:
    from gguf import GGUFWriter, quant_shape_to_byte_shape

    writer = GGUFWriter(part, architecture)
    try:
        for key, value in metadata.items():
            add_value(writer, key, value)
        for tensor in tensors:
            kind = stored_type(tensor, matrix_type)
            shape = quant_shape_to_byte_shape(tensor.shape, kind)
            writer.add_tensor_info(tensor.name, shape, np.dtype(np.uint8), prod(shape), kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()


def _stored(
    values: np.ndarray[Any, np.dtype[np.float32]], tensor: PlannedTensor, matrix_type: str
) -> np.ndarray[Any, Any]:
    from gguf import GGMLQuantizationType, quants

    kind = stored_type(tensor, matrix_type)
    if kind == GGMLQuantizationType.F16 and np.abs(values).max() > F16_MAX:
        raise OutputError(
            f"{tensor.source.name}: has values beyond {F16_MAX:,.0f}, which f16 cannot hold; use --type bf16 or f32"
        )
    data: np.ndarray[Any, Any] = np.ascontiguousarray(quants.quantize(values, kind))
    return data


@contextmanager
def _progress(n_bytes: int, n_done: int, wanted: bool) -> Iterator[Any]:
    from tqdm import tqdm

    quiet = not wanted or not os.isatty(2)
    with tqdm(total=n_bytes, initial=n_done, unit="B", unit_scale=True, disable=quiet) as bar:
        yield bar
