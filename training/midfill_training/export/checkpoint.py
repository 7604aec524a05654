"""A checkpoint as it lies on the disk: its configuration, and a table of tensors that are read when they are needed.

Reads Hugging Face folders of safetensors, in one file or in shards, without torch. `megatron` makes the same
`Checkpoint` of aiXcoder's original file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.safetensors_file import StoredTensor, read_tensor_table

MAX_JSON_BYTES = 64 * 2**20  # tokenizer.json of a 256k vocabulary has 35 MB
INDEX = "model.safetensors.index.json"


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


def open_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, or the Megatron checkpoint in the file `path`.

    Raises BadCheckpoint when something is missing or damaged, UnsupportedCheckpoint for pickled folders.
    """
    if path.suffix == ".pt":
        from midfill_training.export.megatron import open_megatron

        return open_megatron(path)
    if not path.is_dir():
        raise BadCheckpoint(f"{path}: no such folder; name a Hugging Face checkpoint folder or a Megatron .pt file")
    config = read_json(path / "config.json")
    if config.get("quantization_config"):
        raise UnsupportedCheckpoint(f"{path}: the weights are quantised already; export the unquantised checkpoint")
    return Checkpoint(path, config, _tensors(path))


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


def _tensors(folder: Path) -> dict[str, Source]:
    """The tensors of all shards. Names in the index that their shard lacks, and missing shards, are errors."""
    if not (folder / INDEX).exists():
        single = folder / "model.safetensors"
        if single.exists() or single.is_symlink():
            return dict(read_tensor_table(_inside(folder, single.name)))
        if sorted(folder.glob("pytorch_model*.bin")):
            raise UnsupportedCheckpoint(
                f"{folder}: has only pickled weights (pytorch_model.bin), which can run code when loaded; save it as "
                "safetensors with transformers: model.save_pretrained(folder)"
            )
        raise BadCheckpoint(f"{folder}: has neither {single.name} nor {INDEX}")
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise BadCheckpoint(f"{folder / INDEX}: has no weight_map; get the file again")
    shards: dict[str, dict[str, StoredTensor]] = {}
    for shard in sorted(set(places.values())):
        shards[shard] = read_tensor_table(_inside(folder, shard))
    for name, shard in places.items():
        if name not in shards[shard]:
            raise BadCheckpoint(f"{folder / shard}: lacks {name}, which the index places there; get the shard again")
    return {name: shards[shard][name] for name, shard in places.items()}


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder. Links are followed within the folder and into the blobs of the hub's cache, no further."""
    path = folder / name
    if Path(name).name != name:
        raise BadCheckpoint(f"{folder / INDEX}: names a shard outside of the folder: {name}")
    if not path.exists():
        raise BadCheckpoint(f"{path}: missing; get this shard, the checkpoint is incomplete without it")
    if not path.is_file():
        raise BadCheckpoint(f"{path}: not a regular file")
    target = path.resolve()
    if target.parent not in (folder.resolve(), (folder / ".." / ".." / "blobs").resolve()):
        raise BadCheckpoint(f"{path}: links to {target}, outside of the checkpoint; copy the file into the folder")
    return path
