"""A checkpoint: its configuration, and a table of tensors that are read when they are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint

MAX_JSON_BYTES = 64 * 2**20  # tokenizer.json of a 256k vocabulary has 35 MB


class Source(Protocol):
    """A tensor that can be read row by row."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows `first` to `last` (exclusive) as float32."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """`folder` holds the tokenizer; `config` is config.json; `tensors` are named as the architecture names them."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Source]

    @property
    def architecture(self) -> str:
        """The class name in config.json, e.g. "LlamaForCausalLM"."""
        names = self.config.get("architectures") or ["(none)"]
        return str(names[0])


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises BadCheckpoint when the file is missing, oversized or something else."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise BadCheckpoint(f"{path}: {path.stat().st_size:,} bytes; a file of this name is never that large")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: missing; the checkpoint folder must have it") from None
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadCheckpoint(f"{path}: no valid JSON ({error}); get the file again") from error
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{path}: not a JSON object; get the file again")
    return value
