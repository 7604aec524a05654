"""Where everything in a GGUF lies: one walk over its header that trusts no number in the file.

`gguf.GGUFReader` keeps an array for every element of every list (3.8 s of CPU for SmolLM2's 49k tokens, where
this walk takes 0.03 s) and takes counts and lengths at their word, which a damaged file turns against it.
Here lists are stepped over and their places remembered. The file is read, not mapped: a mapped file that
another process cuts short kills with SIGBUS.

Raises only `ModelError`s. No number in the file makes it allocate more than `TEXT_KEPT_BYTES` per value.
"""

from __future__ import annotations

import math
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from midfill_model.errors import ModelUnavailable, NotGguf, TruncatedModel, UnknownModel, UnsupportedModel

STRING, ARRAY = 8, 9  # value types of the GGUF specification; the others are numbers
NUMBERS = {kind: struct.Struct("<" + code) for kind, code in enumerate("BbHhIif?__Qqd") if code != "_"}
UINT32, UINT64 = NUMBERS[4], NUMBERS[10]

TEXT_KEPT_BYTES = 4096  # the longest text anyone here asks for; only chat templates are longer
# Far above real models (the largest vocabularies hold 1 M strings with their merges), yet walked in a second.
MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_STRINGS = 3_000_000
MAX_LIST_BYTES = 64 * 2**20
MAX_KEY_BYTES = 65_535  # the specification's own limit
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
MAX_ELEMENTS = 2**48


@dataclass(frozen=True)
class Stored:
    """A list left in the file: the value type of its elements, how many, and the byte offset of the first."""

    kind: int
    count: int
    offset: int


Value = bool | int | float | str | Stored


@dataclass(frozen=True)
class TensorInfo:
    """One tensor: its ggml type by number, where its data begins after `Layout.data_offset`, and its size."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int
    n_bytes: int

    @property
    def n_elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """The metadata and tensor table of one file; offsets and sizes in bytes."""

    path: Path
    file_bytes: int
    version: int
    values: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    data_offset: int


class _Walk:
    """Reads forward through a file; nothing is read or stepped over before it is known to lie inside it."""

    def __init__(self, path: Path, stream: BinaryIO, file_bytes: int) -> None:
        self.path = path
        self.position = 0
        self.file_bytes = file_bytes
        self._stream = stream
        self._strings_left = MAX_STRINGS

    def damaged(self, what: str) -> UnsupportedModel:
        return UnsupportedModel(f"{self.path}: the GGUF header is damaged ({what}); get the file again")

    def truncated(self, needed_bytes: int) -> TruncatedModel:
        return TruncatedModel(
            f"{self.path}: ends after {self.file_bytes:,} bytes where its header needs {needed_bytes:,}; "
            "the file is cut short or damaged: get it again"
        )

    def take(self, n_bytes: int) -> bytes:
        end = self.position + n_bytes
        if end > self.file_bytes:
            raise self.truncated(end)
        data = self._stream.read(n_bytes)
        if len(data) < n_bytes:  # the file shrank since it was opened
            raise self.truncated(end)
        self.position = end
        return data

    def skip(self, n_bytes: int) -> None:
        if self.position + n_bytes > self.file_bytes:
            raise self.truncated(self.position + n_bytes)
        self.position += n_bytes
        self._stream.seek(self.position)

    def number(self, layout: struct.Struct) -> int:
        value: int = layout.unpack(self.take(layout.size))[0]
        return value

    def text(self) -> str:
        """A string of the file; what is longer than `TEXT_KEPT_BYTES` is cut."""
        n_bytes = self.number(UINT64)
        kept = self.take(min(n_bytes, TEXT_KEPT_BYTES))
        self.skip(n_bytes - len(kept))
        return kept.decode("utf-8", errors="replace")

    def key(self) -> str:
        n_bytes = self.number(UINT64)
        if n_bytes > MAX_KEY_BYTES:
            raise self.damaged(f"a name of {n_bytes:,} bytes")
        return self.take(n_bytes).decode("utf-8", errors="replace")

    def strings(self, count: int) -> Iterator[bytes]:
        """The next `count` strings. Apart from `text` for speed: a vocabulary holds 100,000 of them."""
        self._strings_left -= count
        if self._strings_left < 0:
            raise self.damaged(f"a list of {count:,} strings")
        read, length_of = self._stream.read, int.from_bytes
        last_allowed = self.position + MAX_LIST_BYTES
        for _ in range(count):
            n_bytes = length_of(read(8), "little")
            self.position += 8 + n_bytes
            if self.position > self.file_bytes:
                raise self.truncated(self.position)
            if self.position > last_allowed:
                raise self.damaged(f"a list of {count:,} strings that are far too long")
            yield read(n_bytes)

    def value(self) -> Value:
        kind = self.number(UINT32)
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            return self.array()
        if kind not in NUMBERS:
            raise self.damaged(f"value type {kind} does not exist")
        return self.number(NUMBERS[kind])

    def array(self) -> Stored:
        kind, count = self.number(UINT32), self.number(UINT64)
        stored = Stored(kind, count, self.position)
        if kind == STRING:
            for _ in self.strings(count):
                pass
        elif kind in NUMBERS:
            self.skip(count * NUMBERS[kind].size)
        else:
            raise self.damaged(f"a list of value type {kind}")
        return stored


@contextmanager
def _opened(path: Path) -> Iterator[_Walk]:
    """A walk from the start of `path`, with the operating system's errors turned into ours."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise UnknownModel(f"{path}: not a file; name a .gguf file or a model of `midfill model list`")
        with path.open("rb") as stream:
            yield _Walk(path, stream, path.stat().st_size)
    except FileNotFoundError:
        raise UnknownModel(f"{path}: no such file; `midfill model list` shows the models there are") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or error
        raise ModelUnavailable(f"{path}: cannot be read: {reason}") from error


def read_layout(path: Path) -> Layout:
    """Walk the header of the GGUF at `path`.

    Raises NotGguf; TruncatedModel when the file ends before its header or its tensors do; UnsupportedModel
    for versions, byte orders and tensor types that cannot be read and for damage; UnknownModel when there is
    no such file; ModelUnavailable when the operating system refuses it.
    """
    with _opened(path) as walk:
        version = _check_start(walk)
        n_tensors, n_keys = walk.number(UINT64), walk.number(UINT64)
        if n_keys > MAX_KEYS or n_tensors > MAX_TENSORS:
            raise walk.damaged(f"it counts {n_keys:,} keys and {n_tensors:,} tensors")
        values: dict[str, Value] = {}
        for _ in range(n_keys):
            key = walk.key()
            if key in values:
                raise walk.damaged(f"the key {key[:80]!r} comes twice")
            values[key] = walk.value()
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise walk.damaged("general.alignment is not a power of two")
        tensors = _read_tensors(walk, n_tensors, alignment)
        data_offset = _aligned(walk.position, alignment)
        if tensors:
            data_end = data_offset + tensors[-1].offset + tensors[-1].n_bytes
            if data_end > walk.file_bytes:
                raise walk.truncated(data_end)
        return Layout(path, walk.file_bytes, version, values, tensors, data_offset)


def read_strings(layout: Layout, stored: Stored) -> list[bytes]:
    """The strings of a stored list, e.g. the pieces of a vocabulary; UTF-8 if the file is right."""
    with _opened(layout.path) as walk:
        walk.skip(stored.offset)
        return list(walk.strings(stored.count))


def read_numbers(layout: Layout, stored: Stored) -> tuple[float, ...]:
    """The numbers of a stored list; the file holds them all, which bounds the memory."""
    with _opened(layout.path) as walk:
        walk.skip(stored.offset)
        number = NUMBERS[stored.kind]
        return tuple(value for (value,) in number.iter_unpack(walk.take(stored.count * number.size)))


def _check_start(walk: _Walk) -> int:
    """The format version, or the reason why this file is none that can be read."""
    if walk.file_bytes < 4 or walk.take(4) != b"GGUF":
        raise NotGguf(f"{walk.path}: not a GGUF file; midfill runs models in llama.cpp's GGUF format")
    version = walk.number(UINT32)
    if version & 0xFFFF == 0:
        raise UnsupportedModel(f"{walk.path}: a big-endian GGUF; get the little-endian file of this model")
    if version not in (2, 3):
        raise UnsupportedModel(f"{walk.path}: GGUF version {version}; versions 2 and 3 can be read")
    return version


def _read_tensors(walk: _Walk, n_tensors: int, alignment: int) -> tuple[TensorInfo, ...]:
    from gguf.constants import GGML_QUANT_SIZES

    block_sizes: dict[int, tuple[int, int]] = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    tensors: dict[str, TensorInfo] = {}
    expected_offset = 0
    for _ in range(n_tensors):
        name, n_dimensions = walk.key(), walk.number(UINT32)
        if not 1 <= n_dimensions <= MAX_DIMENSIONS or name in tensors:
            raise walk.damaged(f"tensor {name[:80]!r} comes twice or has {n_dimensions:,} dimensions")
        shape = tuple(walk.number(UINT64) for _ in range(n_dimensions))
        kind, offset = walk.number(UINT32), walk.number(UINT64)
        if kind not in block_sizes:
            raise UnsupportedModel(
                f"{walk.path}: tensor {name[:80]!r} has type {kind}, which this midfill does not know; "
                "get another quantisation (Q4_K_M, Q8_0) or update midfill"
            )
        n_block_elements, n_block_bytes = block_sizes[kind]
        n_elements = math.prod(shape)
        # llama.cpp demands the same: tensors one after the other, whole blocks in a row.
        if not 0 < n_elements <= MAX_ELEMENTS or shape[0] % n_block_elements or offset != expected_offset:
            raise walk.damaged(f"tensor {name[:80]!r} has shape {shape} at offset {offset:,}")
        n_bytes = n_elements // n_block_elements * n_block_bytes
        tensors[name] = TensorInfo(name, shape, kind, offset, n_bytes)
        expected_offset = _aligned(offset + n_bytes, alignment)
    return tuple(tensors.values())


def _aligned(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment
