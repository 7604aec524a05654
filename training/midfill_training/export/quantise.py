"""Quantised files through llama.cpp, with what could not be done as asked: some shapes fit no block of 256 weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from midfill_training.errors import TrainingError
from midfill_training.export.llama_process import quantise
from midfill_training.output import check_space

# Written by ourselves, row by row; everything else is quantised from one of them by llama.cpp.
PLAIN_TYPES = ("f32", "f16", "bf16", "q8_0")
# llama.cpp's names of file types, by which users know them, and its numbers for them.
QUANTISED_TYPES: Mapping[str, int] = {
    **{"q4_0": 2, "q4_1": 3, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k_s": 11, "q3_k_m": 12, "q3_k_l": 13},
    **{"q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18, "iq2_xxs": 19, "iq2_xs": 20},
    **{"q2_k_s": 21, "iq3_xs": 22, "iq3_xxs": 23, "iq1_s": 24, "iq4_nl": 25, "iq3_s": 26, "iq3_m": 27},
    **{"iq2_s": 28, "iq2_m": 29, "iq4_xs": 30, "iq1_m": 31},
}
NEEDS_IMATRIX = frozenset({"iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "q2_k_s"})
_FALLBACK = re.compile(r"warning: (\S+)\s+- ncols.*?required for type\s+([^\s)]+)\).*?-> falling back to\s+(\S+)")
_SIZE = re.compile(r"quant size\s*=\s*([\d.]+) MiB")


@dataclass(frozen=True)
class Fallback:
    """A tensor that is stored as `used` because its rows do not fill whole blocks of `wanted`."""

    tensor: str
    wanted: str
    used: str


@dataclass(frozen=True)
class Quantised:
    """What llama.cpp did: bytes of the tensors as it counts them, and the tensors it could not store as asked."""

    n_bytes: int
    fallbacks: tuple[Fallback, ...]


def check_type(file_type: str, imatrix: Path | None) -> None:
    """Raise TrainingError for a type that needs an importance matrix when there is none."""
    if file_type in NEEDS_IMATRIX and imatrix is None:
        raise TrainingError(f"{file_type} needs an importance matrix; pass --imatrix FILE, or take iq4_xs or q4_k_m")


def quantise_file(
    source: Path, target: Path, file_type: str, *, imatrix: Path | None = None, n_threads: int = 0
) -> Quantised:
    """Quantise a GGUF of f16, bf16 or f32 to `target`, which may be half a file when this raises."""
    check_space(target, planned_size(source, file_type).n_bytes)
    return _told(quantise(source, target, QUANTISED_TYPES[file_type], imatrix=imatrix, n_threads=n_threads))


def planned_size(source: Path, file_type: str) -> Quantised:
    """What quantising would give; reads the header of `source` alone, so its tensors may be a hole in the file."""
    return _told(quantise(source, source.with_suffix(".none"), QUANTISED_TYPES[file_type], dry_run=True))


def _told(log: str) -> Quantised:
    """Read llama.cpp's log."""
    size = _SIZE.search(log)
    fallbacks = tuple(Fallback(*found.groups()) for found in _FALLBACK.finditer(log))
    return Quantised(int(float(size[1]) * 2**20) if size else 0, fallbacks)
