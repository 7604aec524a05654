"""From GGUF back to a checkpoint: the same weights, logits and ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from commands import MIDFILL_TRAIN, run
from midfill_training.errors import BadInput, OutputError, UnsupportedCheckpoint
from midfill_training.export import safetensors_writer
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.llama_process import tokenise
from midfill_training.export.restore import restore
from midfill_training.export.verify import VerifyOptions, verify
from midfill_training.inspection import inspect_gguf
from midfill_training.tokenizer.sentinels import adopt_sentinels
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


def test_markers_for_the_default_model(smollm2: Path, tmp_path: Path) -> None:
    """Unused special tokens become the markers of our own format, which the GGUF and midfill then know."""
    own, marked, gguf = tmp_path / "smollm2", tmp_path / "marked", tmp_path / "midfill.gguf"
    restore(smollm2, own)
    names = adopt_sentinels(own, marked)
    export(own, gguf, ExportOptions(file_type="q8_0", name="midfill-test", tokenizer=marked))
    told, before = inspect_gguf(gguf), {token.piece: token.token_id for token in inspect_gguf(smollm2).special_tokens}
    assert told.prompt_format == "midfill"
    assert told.header is not None
    ids = {new: before[old] for old, new in names.items()}
    fim = told.header.fim
    assert {"<fim_prefix>": fim.prefix, "<fim_suffix>": fim.suffix, "<fim_middle>": fim.middle} == ids
    assert {token.piece: token.type for token in told.special_tokens}["<fim_middle>"] == "CONTROL"
    tokenizer, lines = transformers.AutoTokenizer.from_pretrained(marked), code_lines()
    with_markers = ["<fim_suffix>" + line + "<fim_middle>" for line in lines[::10]]
    encoded = [tokenizer.encode(line, add_special_tokens=False) for line in (*lines, *with_markers)]
    assert encoded == tokenise(gguf, [*lines, *with_markers], special=True)
    assert encoded[: len(lines)] == tokenise(smollm2, lines, special=True)


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
    with pytest.raises(BadInput, match="has neither"):
        restore(llama_gguf, tmp_path / "restored", tokenizer=tmp_path)
    assert not (tmp_path / "restored").exists()
