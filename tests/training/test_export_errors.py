"""What cannot be exported: a clear error, and no output, not even a part of one."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from commands import MIDFILL_TRAIN, run
from midfill_training import output
from midfill_training.errors import BadCheckpoint, OutputError, TrainingError, UnsupportedCheckpoint
from midfill_training.export import writer
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.safetensors_file import MAX_HEADER_BYTES, read_tensor_table
from training.damage import edit_json

UP = "model.layers.0.mlp.up_proj.weight"


def shard_of(folder: Path, name: str) -> Path:
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    return folder / str(index["weight_map"][name])


def rename_dtype(folder: Path) -> None:
    shard = shard_of(folder, UP)
    shard.write_bytes(shard.read_bytes().replace(b'"dtype":"F32"', b'"dtype":"I32"', 1))


def claim_more_bytes(folder: Path) -> None:
    shard = shard_of(folder, UP)
    shard.write_bytes((2**40).to_bytes(8, "little") + shard.read_bytes()[8:])


def claim_oversized_header(folder: Path) -> None:
    shard = shard_of(folder, UP)
    shard.write_bytes((MAX_HEADER_BYTES + 1).to_bytes(8, "little"))
    os.truncate(shard, MAX_HEADER_BYTES + 100)


def link_elsewhere(folder: Path) -> None:
    shard = shard_of(folder, UP)
    target = folder.parent / "elsewhere.safetensors"
    shard.rename(target)
    shard.symlink_to(target)


def name_outside(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace(shard_of(folder, UP).name, "../" + shard_of(folder, UP).name))


def add_nan(folder: Path) -> None:
    overwrite(folder, 100, np.nan)


def too_large_for_f16(folder: Path) -> None:
    overwrite(folder, 0, 1e6)


def overwrite(folder: Path, at: int, value: float) -> None:
    """Change one weight where it lies."""
    path = shard_of(folder, UP)
    start = read_tensor_table(path)[UP].offset + 4 * at
    data = bytearray(path.read_bytes())
    data[start : start + 4] = np.float32(value).tobytes()
    path.write_bytes(data)


def with_config(**changes: object) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / "config.json", changes)


def pickled(folder: Path) -> None:
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02")


CASES = [
    pytest.param(lambda f: shard_of(f, UP).unlink(), BadCheckpoint, "missing; get this shard", id="missing shard"),
    pytest.param(rename_dtype, UnsupportedCheckpoint, "has type I32; weights must be", id="wrong dtype"),
    pytest.param(claim_more_bytes, BadCheckpoint, "cut short or no safetensors file", id="header beyond the file"),
    pytest.param(claim_oversized_header, BadCheckpoint, "header claims 104,857,601 bytes", id="oversized header"),
    pytest.param(link_elsewhere, BadCheckpoint, "links to .* outside of the checkpoint", id="linked shard"),
    pytest.param(name_outside, BadCheckpoint, "names a shard outside of the folder", id="shard outside"),
    pytest.param(add_nan, BadCheckpoint, f"{UP}: has values that are no numbers", id="NaN"),
    pytest.param(too_large_for_f16, OutputError, "which f16 cannot hold; use --type bf16", id="beyond f16"),
    pytest.param(pickled, UnsupportedCheckpoint, "pickled weights .* which can run code", id="pickled"),
    pytest.param(
        with_config(intermediate_size=256), BadCheckpoint, r"where config.json makes it \(256, 64\)", id="shape"
    ),
    pytest.param(with_config(num_hidden_layers=3), BadCheckpoint, "model.layers.2.* is missing", id="missing layer"),
    pytest.param(with_config(num_hidden_layers=1), UnsupportedCheckpoint, "9 tensors have no place", id="extra layer"),
    pytest.param(with_config(num_attention_heads=None), BadCheckpoint, "num_attention_heads is None", id="no heads"),
    pytest.param(with_config(num_key_value_heads=3), BadCheckpoint, "cannot share 3", id="odd groups"),
    pytest.param(with_config(hidden_act="gelu"), UnsupportedCheckpoint, "hidden_act = 'gelu'", id="activation"),
    pytest.param(
        with_config(architectures=["GPTBigCodeForCausalLM"]),
        UnsupportedCheckpoint,
        "GPTBigCodeForCausalLM cannot be converted; .* Missing for it: a row of tensor names",
        id="architecture",
    ),
    pytest.param(
        with_config(rope_parameters={"rope_type": "longrope", "rope_theta": 1e4}),
        UnsupportedCheckpoint,
        "RoPE scaling 'longrope'",
        id="rope",
    ),
    pytest.param(
        with_config(quantization_config={"bits": 4}), UnsupportedCheckpoint, "quantised already", id="quantised already"
    ),
    pytest.param(lambda f: (f / "config.json").unlink(), BadCheckpoint, "config.json: missing", id="no config"),
    pytest.param(lambda f: (f / "config.json").write_text("{"), BadCheckpoint, "no valid JSON", id="bad config"),
    pytest.param(
        lambda f: (f / "tokenizer.json").unlink(), BadCheckpoint, "copy the tokenizer there", id="no tokenizer"
    ),
    pytest.param(with_config(vocab_size=1000), BadCheckpoint, "where config.json makes it", id="vocabulary size"),
]


@pytest.mark.parametrize(("break_it", "error", "message"), CASES)
def test_refused(break_it: Callable[[Path], None], error: type[TrainingError], message: str, broken: Path) -> None:
    break_it(broken)
    folder = broken.parent / "out"
    folder.mkdir()
    with pytest.raises(error, match=message):
        export(broken, folder / "out.gguf", ExportOptions())
    assert list(folder.iterdir()) == []


def test_the_output_exists(llama: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.gguf"
    output.write_text("precious")
    done = run(MIDFILL_TRAIN, "export", str(llama), "-o", str(output))
    assert done.returncode == 1
    assert "exists; choose another name, or --force to replace it" in done.stderr
    assert output.read_text() == "precious"
    done = run(MIDFILL_TRAIN, "export", str(llama), "-o", str(output), "--force")
    assert done.returncode == 0, done.stderr
    assert output.read_bytes()[:4] == b"GGUF"
    assert list(tmp_path.iterdir()) == [output]


def test_an_unknown_type_is_wrong_usage(llama: Path, tmp_path: Path) -> None:
    done = run(MIDFILL_TRAIN, "export", str(llama), "-o", str(tmp_path / "out.gguf"), "--type", "q4")
    assert done.returncode == 2
    assert "there are f32, f16," in done.stderr


def test_no_room_on_the_disk(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = output.shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(output.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="make room, or write to another disk"):
        export(llama, tmp_path / "out.gguf", ExportOptions())
    assert list(tmp_path.iterdir()) == []


def test_the_disk_fills_up_while_writing(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real error of the system: the process may write no file larger than half of this one."""
    monkeypatch.setattr(writer, "check_space", lambda path, n_bytes: None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            export(llama, tmp_path / "out.gguf", ExportOptions())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_as_the_hub_caches_it(llama: Path, tmp_path: Path) -> None:
    """Snapshots of the hub's cache are links into its blobs."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(llama.iterdir())):
        blob = blobs / f"{number:064x}"
        blob.write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(blob)
    export(snapshot, tmp_path / "out.gguf", ExportOptions())
    assert (tmp_path / "out.gguf").is_file()
