"""Quantised exports: right by `verify`, fallbacks told, importance matrices used."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from commands import MIDFILL_TRAIN, run
from midfill_model.files.gguf_layout import read_layout
from midfill_training.errors import BadCheckpoint, TrainingError
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.imatrix import read_imatrix
from midfill_training.export.verify import VerifyOptions, verify
from midfill_training.inspection import inspect_gguf
from training import checkpoints


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose hidden size fills blocks of 256; its FFN of 320 does not."""
    folder = tmp_path_factory.mktemp("checkpoints") / "wide"
    return checkpoints.write_llama(folder, hidden_size=256, intermediate_size=320)


def imatrix_values(gguf: Path) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    matrices = [tensor for tensor in read_layout(gguf).tensors if len(tensor.shape) == 2]
    rng = np.random.default_rng(0)
    return {tensor.name: rng.random(tensor.shape[0], np.float32) + 0.1 for tensor in matrices}


@pytest.mark.parametrize("file_type", ["q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "iq4_nl", "iq4_xs", "q3_k_m"])
def test_verifies(file_type: str, wide: Path, tmp_path: Path) -> None:
    export(wide, tmp_path / "out.gguf", ExportOptions(file_type=file_type))
    report = verify(wide, tmp_path / "out.gguf", VerifyOptions(compare_logits=False))
    assert report.findings == ()
    assert report.file_type == file_type.upper()
    assert list(tmp_path.iterdir()) == [tmp_path / "out.gguf"]


def test_fallbacks_are_told(wide: Path, tmp_path: Path) -> None:
    done = run(MIDFILL_TRAIN, "export", str(wide), "-o", str(tmp_path / "a.gguf"), "--type", "Q4_K_M", "--json")
    assert done.returncode == 0, done.stderr
    fallbacks = json.loads(done.stdout)["fallbacks"]
    assert {fallback["tensor"] for fallback in fallbacks} == {"blk.0.ffn_down.weight", "blk.1.ffn_down.weight"}
    types = {kind.name for kind in inspect_gguf(tmp_path / "a.gguf").tensor_types}
    assert {fallback["used"].upper() for fallback in fallbacks} <= types


def test_a_dry_run_tells_the_same_and_writes_nothing(wide: Path, tmp_path: Path) -> None:
    told = run(MIDFILL_TRAIN, "export", str(wide), "-o", str(tmp_path / "a.gguf"), "--type", "q4_k_m", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "2 tensors have rows that fill no whole blocks" in told.stdout
    assert list(tmp_path.iterdir()) == []
    planned = export(wide, tmp_path / "a.gguf", ExportOptions(file_type="q4_k_m"), dry_run=True)
    written = export(wide, tmp_path / "a.gguf", ExportOptions(file_type="q4_k_m"))
    assert planned.fallbacks == written.fallbacks
    assert planned.n_bytes == pytest.approx(
        sum(tensor.n_bytes for tensor in read_layout(tmp_path / "a.gguf").tensors), abs=2**15
    )


def test_plain_types_in_a_dry_run(wide: Path, tmp_path: Path) -> None:
    planned = export(wide, tmp_path / "a.gguf", ExportOptions(file_type="q8_0"), dry_run=True)
    export(wide, tmp_path / "a.gguf", ExportOptions(file_type="q8_0"))
    assert planned.n_bytes == sum(tensor.n_bytes for tensor in read_layout(tmp_path / "a.gguf").tensors)


def test_importance_matrices_of_both_layouts(wide: Path, tmp_path: Path) -> None:
    export(wide, tmp_path / "f16.gguf", ExportOptions())
    values = imatrix_values(tmp_path / "f16.gguf")
    write_binary_imatrix(tmp_path / "i.dat", values)
    write_gguf_imatrix(tmp_path / "i.gguf", values)
    for path in (tmp_path / "i.dat", tmp_path / "i.gguf"):
        read = read_imatrix(path)
        assert set(read) == set(values)
        assert all(np.allclose(read[name], values[name]) for name in values)
        export(wide, tmp_path / f"{path.suffix}.gguf", ExportOptions(file_type="iq2_xs", imatrix=path))
    assert (tmp_path / ".dat.gguf").read_bytes() == (tmp_path / ".gguf.gguf").read_bytes()
    with pytest.raises(TrainingError, match="needs an importance matrix"):
        export(wide, tmp_path / "x.gguf", ExportOptions(file_type="iq2_xs"))


def write_binary_imatrix(path: Path, values: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
    with path.open("wb") as stream:
        stream.write(struct.pack("<i", len(values)))
        for name, means in values.items():
            stream.write(struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", 4, means.size))
            stream.write((means * 4).astype("<f4").tobytes())


def write_gguf_imatrix(path: Path, values: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "")
    writer.add_type("imatrix")
    for name, means in values.items():
        writer.add_tensor(f"{name}.in_sum2", (means * 4).astype(np.float32)[None])
        writer.add_tensor(f"{name}.counts", np.array([[4.0]], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("data", [b"", b"\x01\x00\x00\x00", b"GGUFxxxx", b"\xff" * 64])
def test_damaged_importance_matrices(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "i.dat").write_bytes(data)
    with pytest.raises(BadCheckpoint, match="importance matrix"):
        read_imatrix(tmp_path / "i.dat")
