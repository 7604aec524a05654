"""Checkpoints on the disk: Hugging Face folders of safetensors, in one file or in shards, and aiXcoder's original file.

Folders are read without torch.
"""

from __future__ import annotations

from pathlib import Path

from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.checkpoint import Checkpoint, Source, read_json
from midfill_training.export.megatron import open_megatron
from midfill_training.export.safetensors_file import INDEX, StoredTensor, read_tensor_table


def open_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, or the Megatron checkpoint in the file `path`.

    Raises BadCheckpoint when something is missing or damaged, UnsupportedCheckpoint for pickled folders.
    """
    if path.suffix == ".pt":
        return open_megatron(path)
    if not path.is_dir():
        raise BadCheckpoint(f"{path}: no such folder; name a Hugging Face checkpoint folder or a Megatron .pt file")
    config = read_json(path / "config.json")
    if config.get("quantization_config"):
        raise UnsupportedCheckpoint(f"{path}: the weights are quantised already; export the unquantised checkpoint")
    return Checkpoint(path, config, _tensors(path))


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
