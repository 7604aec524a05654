"""`verify` blesses what is right and names what is wrong: each defect alone, by the check that must see it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from commands import MIDFILL_TRAIN, run
from midfill_training.errors import BadCheckpoint
from midfill_training.export import mapping
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.greedy_text import GreedyTexts, compare_greedy
from midfill_training.export.reference_logits import load_reference, logits_of
from midfill_training.export.verify import Report, VerifyOptions, verify
from training import damage


@pytest.fixture
def copy(llama_gguf: Path, tmp_path: Path) -> Path:
    """A copy of the conversion for a test to damage."""
    return Path(shutil.copy(llama_gguf, tmp_path / "copy.gguf"))


def checks(report: Report) -> set[str]:
    return {finding.check for finding in report.findings}


def test_the_right_file(llama: Path, llama_gguf: Path) -> None:
    done = run(MIDFILL_TRAIN, "verify", str(llama), str(llama_gguf), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["is_same"]
    assert told["findings"] == []
    assert told["divergence"]["mean_kl"] <= 1e-3


def test_a_wrong_file_is_refused(llama: Path, copy: Path) -> None:
    damage.swap_tensors(copy, "blk.0.attn_norm.weight", "blk.1.attn_norm.weight")
    done = run(MIDFILL_TRAIN, "verify", str(llama), str(copy))
    assert done.returncode == 1
    assert "weights: blk.0.attn_norm.weight differs from the checkpoint by" in done.stdout
    assert done.stderr.strip().endswith("do not use it, export it again")


def test_code_of_ones_own(llama: Path, llama_gguf: Path) -> None:
    options = VerifyOptions(code=(Path(__file__),), n_tokens=40)
    report = verify(llama, llama_gguf, options)
    assert report.is_same
    assert report.divergence is not None
    assert report.divergence.n_tokens == 40


def test_greedy_texts(llama: Path, llama_gguf: Path, tmp_path: Path) -> None:
    """In f32 every text is equal; in f16 one may part, where the checkpoint itself is undecided."""
    export(llama, tmp_path / "f32.gguf", ExportOptions(file_type="f32"))
    told = verify(llama, tmp_path / "f32.gguf", VerifyOptions(n_greedy=5)).greedy
    assert told == GreedyTexts(5, 100, ())
    done = run(MIDFILL_TRAIN, "verify", str(llama), str(llama_gguf), "--greedy", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " of 2 texts of 100 tokens are equal" in done.stdout


def test_greedy_texts_of_another_model(llama: Path, llama_gguf: Path) -> None:
    model, prompts = load_reference(llama, open_checkpoint(llama)), [[7, 8, 9], [10, 11]]
    with torch.no_grad():
        model.lm_head.weight.copy_(model.lm_head.weight.roll(1, 0))
    texts = compare_greedy(model, llama_gguf, "F16", prompts)
    assert [(parting.n_equal, parting.is_explained) for parting in texts.partings] == [(0, False), (0, False)]
    texts = compare_greedy(model, llama_gguf, "Q4_K_M", prompts)
    assert all(parting.is_explained for parting in texts.partings)


def test_near_ties(llama: Path, llama_gguf: Path) -> None:
    """A checkpoint that differs by less than f16's rounding, at the first token."""
    model, prompt = load_reference(llama, open_checkpoint(llama)), [7, 8, 9]
    second, first = np.argsort(logits_of(model, prompt)[-1])[-2:]
    gap = np.ptp(logits_of(model, prompt)[-1][[first, second]])
    with torch.no_grad():  # the second best gets ahead by 0.01
        model.lm_head.bias = torch.nn.Parameter(torch.zeros(model.config.vocab_size))
        model.lm_head.bias[second] = float(gap) + 0.01
    (parting,) = compare_greedy(model, llama_gguf, "F16", [prompt]).partings
    assert parting.n_equal == 0
    assert parting.margin == pytest.approx(0.01, abs=1e-4)
    assert parting.is_explained
    (parting,) = compare_greedy(model, llama_gguf, "F32", [prompt]).partings
    assert not parting.is_explained


def test_rows_of_q_and_k_left_in_order(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mapping, "row_order", lambda row, sizes: None)
        export(llama, tmp_path / "out.gguf", ExportOptions())
    report = verify(llama, tmp_path / "out.gguf", VerifyOptions())
    assert checks(report) == {"weights", "logits"}


def test_logits_see_it_alone(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with the table itself wrong: weights agree with each other then, and only the running models do not."""
    monkeypatch.setattr(mapping, "row_order", lambda row, sizes: None)
    export(llama, tmp_path / "out.gguf", ExportOptions())
    assert checks(verify(llama, tmp_path / "out.gguf", VerifyOptions())) == {"logits"}


def test_two_tensors_swapped(llama: Path, copy: Path) -> None:
    damage.swap_tensors(copy, "blk.0.ffn_up.weight", "blk.0.ffn_gate.weight")
    report = verify(llama, copy, VerifyOptions())
    assert checks(report) == {"weights", "logits"}
    assert {finding.what.split()[0] for finding in report.findings} >= {"blk.0.ffn_up.weight", "blk.0.ffn_gate.weight"}


def test_a_wrong_pre_tokenizer(llama: Path, copy: Path) -> None:
    damage.replace_text(copy, b"smollm", b"falcon")
    report = verify(llama, copy, VerifyOptions())
    assert checks(report) == {"tokenizer"}
    assert "texts get other ids" in report.findings[0].what


def test_a_marker_stored_as_text(llama: Path, copy: Path) -> None:
    damage.set_token_type(copy, "<fim_middle>", 1)
    report = verify(llama, copy, VerifyOptions())
    assert checks(report) == {"tokenizer"}
    assert report.findings[0].what == "token 3 '<fim_middle>' has type 1 instead of 3"


def test_another_rope_base(llama: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(llama, tmp_path / "changed"))
    rope = {"rope_type": "default", "rope_theta": 500_000.0}
    damage.edit_json(changed / "config.json", {"rope_parameters": rope})
    export(changed, tmp_path / "out.gguf", ExportOptions())
    assert checks(verify(llama, tmp_path / "out.gguf", VerifyOptions())) == {"header", "logits"}


def test_a_truncated_shard(broken: Path, llama_gguf: Path) -> None:
    shard = sorted(broken.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-1000])
    with pytest.raises(BadCheckpoint, match="the shard is cut short, get it again"):
        verify(broken, llama_gguf, VerifyOptions())


def test_lora_without_its_peft_folder_is_wrong_usage(llama: Path, llama_gguf: Path) -> None:
    done = run(MIDFILL_TRAIN, "verify", str(llama), str(llama_gguf), "--lora", "adapter.gguf")
    assert done.returncode == 2
