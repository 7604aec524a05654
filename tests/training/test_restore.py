"""From GGUF back to a checkpoint: the same weights, logits and ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from commands import MIDFILL_TRAIN, run
from midfill_training.errors import OutputError, UnsupportedCheckpoint
from midfill_training.export import safetensors_writer
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.llama_process import tokenise
from midfill_training.export.restore import restore
from midfill_training.export.verify import VerifyOptions, verify
from midfill_training.inspection import inspect_gguf
from tiny_gguf import write_tiny_gguf
from training import checkpoints
from training.code_lines import code_lines


@pytest.mark.parametrize("write", [checkpoints.write_llama, checkpoints.write_qwen2, checkpoints.write_starcoder2])
def test_round_trip(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = write(tmp_path / "checkpoint")
    export(folder, tmp_path / "a.gguf", ExportOptions(file_type="f32"))
    restore(tmp_path / "a.gguf", tmp_path / "restored", dtype="f32")
    assert verify(tmp_path / "restored", tmp_path / "a.gguf", VerifyOptions()).findings == ()
    export(tmp_path / "restored", tmp_path / "b.gguf", ExportOptions(file_type="f32", name="checkpoint"))
    assert verify(folder, tmp_path / "b.gguf", VerifyOptions()).findings == ()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "restored")
    lines = code_lines()[:200]
    ids = [tokenizer.encode(line, add_special_tokens=False) for line in lines]
    assert ids == tokenise(tmp_path / "a.gguf", lines, special=False)


def test_a_sentencepiece_model(tmp_path: Path) -> None:
    from model import sentencepiece_model

    folder = checkpoints.write_aixcoder(tmp_path / "checkpoint", sentencepiece_model.train(tmp_path))
    export(folder, tmp_path / "a.gguf", ExportOptions())
    restore(tmp_path / "a.gguf", tmp_path / "restored", dtype="f32")
    assert verify(tmp_path / "restored", tmp_path / "a.gguf", VerifyOptions()).findings == ()


def test_the_default_model(smollm2: Path, tmp_path: Path) -> None:
    """A quantised model of somebody else's becomes a checkpoint that transformers loads."""
    done = run(MIDFILL_TRAIN, "restore", str(smollm2), "-o", str(tmp_path / "smollm2"), "--dtype", "bf16", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n_tensors"] == 272
    report = verify(tmp_path / "smollm2", smollm2, VerifyOptions(n_tokens=64))
    assert report.findings == ()


RENAMES = ("<gh_stars>=<fim_prefix>", "<issue_start>=<fim_suffix>", "<issue_closed>=<fim_middle>")


def test_markers_for_the_default_model(smollm2: Path, tmp_path: Path) -> None:
    """Unused special tokens become the markers of our own format, which the GGUF and midfill then know."""
    folder, gguf = tmp_path / "smollm2", tmp_path / "midfill.gguf"
    renames = [argument for rename in RENAMES for argument in ("--rename", rename)]
    done = run(MIDFILL_TRAIN, "restore", str(smollm2), "-o", str(folder), *renames)
    assert done.returncode == 0, done.stderr
    done = run(MIDFILL_TRAIN, "export", str(folder), "-o", str(gguf), "--type", "q8_0", "--name", "midfill-test")
    assert done.returncode == 0, done.stderr
    told = inspect_gguf(gguf)
    assert told.prompt_format == "midfill"
    assert told.header is not None
    renamed = {token.piece: token.token_id for token in inspect_gguf(smollm2).special_tokens}
    old = [rename.split("=")[0] for rename in RENAMES]
    assert [told.header.fim.prefix, told.header.fim.suffix, told.header.fim.middle] == [renamed[piece] for piece in old]
    assert {token.piece: token.type for token in told.special_tokens}["<fim_middle>"] == "CONTROL"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    lines = [*code_lines(), *("<fim_suffix>" + line + "<fim_middle>" for line in code_lines()[::10])]
    ids = [tokenizer.encode(line, add_special_tokens=False) for line in lines]
    assert ids == tokenise(gguf, lines, special=True)
    assert ids[: len(code_lines())] == tokenise(smollm2, code_lines(), special=True)


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ("<none>=<fim_prefix>", "has no token '<none>' to rename"),
        ("def=<fim_prefix>", "'def' is no special token"),
        ("<fim_prefix>=<fim_suffix>", "has a token '<fim_suffix>' already, number 2"),
        ("<fim_prefix>=<fim_prefix>", "already"),
    ],
)
def test_renames_that_cannot_be(rename: str, message: str, llama_gguf: Path, tmp_path: Path) -> None:
    done = run(MIDFILL_TRAIN, "restore", str(llama_gguf), "-o", str(tmp_path / "out"), "--rename", rename)
    assert done.returncode == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--rename", "a"], ["--rename", "=a"], ["--rename", "a=b", "--tokenizer", "c"]])
def test_wrong_usage_of_rename(arguments: list[str], llama_gguf: Path, tmp_path: Path) -> None:
    done = run(MIDFILL_TRAIN, "restore", str(llama_gguf), "-o", str(tmp_path / "out"), *arguments)
    assert done.returncode == 2


def test_shards(llama_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors_writer, "MAX_SHARD_BYTES", 200_000)
    restore(llama_gguf, tmp_path / "restored", dtype="f32")
    assert len(list((tmp_path / "restored").glob("model-*.safetensors"))) > 1
    assert verify(tmp_path / "restored", llama_gguf, VerifyOptions()).findings == ()


def test_refused(llama_gguf: Path, smollm2: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists; choose another folder"):
        restore(llama_gguf, tmp_path)
    with pytest.raises(UnsupportedCheckpoint, match="gemma has no row"):
        restore(write_tiny_gguf(tmp_path / "g.gguf", architecture="gemma"), tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
