"""Runs from rows to a model that other programs load, and what stops a run."""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from midfill_training.cli import main
from midfill_training.errors import Diverged, OutputError
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.lora import export_adapter
from midfill_training.export.verify import VerifyOptions, verify
from midfill_training.train.checkpoints import newest_checkpoint
from midfill_training.train.journal import read_journal
from midfill_training.train.run import Request, train
from midfill_training.train.settings import Lora, LoraTuning, Machine, Training
from training.train import tiny_rows, tiny_runs
from training.train.tiny_rows import Vocabulary

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # PEFT's, in `verify`


@pytest.fixture(scope="module")
def trained(rows: Path, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned its 20 files by heart."""
    request = replace(
        tiny_runs.pretraining(rows, tmp_path_factory.mktemp("trained") / "run", vocabulary.folder),
        training=Training(
            steps=60, batch_rows=20, lr_max=1e-2, lr_min=0.0, warmup=0.1, precision="f32", weight_decay=0.0
        ),
        machine=Machine(micro_rows=20, threads=1, log_steps=10, save_minutes=0, save_steps=40),
    )
    train(request)
    return request.output


def test_it_learns_20_files_by_heart(trained: Path) -> None:
    first, last = tiny_runs.evaluations(trained)[0], tiny_runs.evaluations(trained)[-1]
    assert first["valid_loss"] > 6
    assert last["valid_loss"] < 0.1
    assert max(last["perplexity"].values()) < 1.2
    assert (first["exact_match"], last["exact_match"], last["n_middles"]) == (0.0, 1.0, 13)


def test_greedy_text_is_the_middle(trained: Path, vocabulary: Vocabulary) -> None:
    """What exact match says without generating."""
    model = AutoModelForCausalLM.from_pretrained(trained / "model", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    for example in [each for each in tiny_rows.cut(tiny_rows.file_heads(20)) if each.objective != "ntp"][:3]:
        prompt = torch.tensor([vocabulary.prompt(example)])
        written = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40, do_sample=False, pad_token_id=0
        )
        assert tokenizer.decode(written[0, prompt.shape[1] : -1]) == example.middle
        assert written[0, -1] == vocabulary.id(tiny_rows.END)


def test_it_is_exported_and_is_the_same_model(trained: Path, tmp_path: Path) -> None:
    export(trained / "model", tmp_path / "model.gguf", ExportOptions())
    report = verify(trained / "model", tmp_path / "model.gguf", VerifyOptions(n_tokens=64))
    assert report.is_same, report.findings
    assert newest_checkpoint(trained) is not None
    export(newest_checkpoint(trained) or trained, tmp_path / "checkpoint.gguf", ExportOptions(), dry_run=True)


def test_log_report_and_manifest(trained: Path) -> None:
    lines = read_journal(trained)
    assert [line["step"] for line in lines if "loss" in line] == [10, 20, 30, 40, 50, 60]
    assert [line["step"] for line in lines if "valid" in line] == [0, 40, 60]
    assert {"step", "tokens", "loss", "lr", "grad_norm", "tokens_per_s", "elapsed_s"} == set(lines[1])
    assert lines[-1]["tokens"] == 60 * 20 * tiny_rows.LENGTH
    page = (trained / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "perplexity sfim" in page
    manifest = json.loads((trained / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["steps"] == 60
    assert set(manifest["outputs"]) == {"model"}


def test_time_is_up(rows: Path, vocabulary: Vocabulary, tmp_path: Path) -> None:
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder, steps=100_000, minutes=0.02)
    done = train(replace(request, machine=replace(tiny_runs.MACHINE, save_steps=0)))
    assert done.folder is not None
    rates = [line["lr"] for line in read_journal(request.output) if "loss" in line]
    assert len(rates) < 100_000
    assert rates[-1] < tiny_runs.TRAINING.lr_max / 2
    assert [path.name for path in (request.output / "checkpoints").iterdir()] == [f"step-{done.state.step:08}"]


# --- fine-tuning


@pytest.fixture(scope="module")
def project(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of one project: its first files to train on, its later files to look at."""
    folder = tmp_path_factory.mktemp("project")
    heads = tiny_rows.file_heads(16, of=sorted((Path(json.__file__).parents[1] / "email").glob("*.py")))
    examples = list(tiny_rows.cut(heads))
    assert len(examples) == 16
    tiny_rows.write_examples(folder / "train", vocabulary, examples[:11])
    tiny_rows.write_examples(folder / "valid", vocabulary, examples[11:])
    return folder


def finetuning(project: Path, output: Path, start: Path, lora: Lora | None, **training: object) -> Request:
    settings = LoraTuning(lr_max=5e-3, lr_min=0.0, batch_rows=4, epochs=6.0, **training)  # type: ignore[arg-type]
    return Request("finetune", project, output, start, None, tiny_runs.SHAPE, settings, tiny_runs.MACHINE, lora)


@pytest.mark.parametrize("lora", [Lora(rank=4), None], ids=["adapter", "whole"])
def test_a_project_makes_its_later_files_likelier(
    trained: Path, project: Path, tmp_path: Path, lora: Lora | None
) -> None:
    done = train(finetuning(project, tmp_path / "run", trained / "model", lora))
    before, *_, after = tiny_runs.evaluations(tmp_path / "run")
    assert after["valid_loss"] < before["valid_loss"] - 0.2
    assert done.folder is not None
    if lora is None:
        assert open_checkpoint(done.folder).architecture == "LlamaForCausalLM"
        return
    base = open_checkpoint(trained / "model")
    assert export_adapter(done.folder, base, tmp_path / "adapter.gguf") == 14
    export(trained / "model", tmp_path / "merged.gguf", ExportOptions(adapter=done.folder))
    assert verify(trained / "model", tmp_path / "merged.gguf", VerifyOptions(adapter=done.folder, n_tokens=64)).is_same


def test_an_adapter_on_a_gguf_goes_on_after_a_stop(llama_gguf: Path, project: Path, tmp_path: Path) -> None:
    curves = []
    for name in ("whole", "stopped"):
        request = finetuning(project, tmp_path / name, llama_gguf, Lora(rank=2, dropout=0.1), precision="bf16", steps=4)
        if name == "stopped":
            watcher = tiny_runs.stop_at(request.output, 2)
            assert train(request).stopped_by == signal.SIGTERM
            watcher.join()
        assert train(request).folder == request.output / "adapter"
        curves.append(tiny_runs.losses(request.output))
    assert curves[0] == curves[1]
    assert export_adapter(
        tmp_path / "whole" / "adapter", open_checkpoint(tmp_path / "whole" / "base"), tmp_path / "a.gguf"
    )


def test_the_command_tells_what_was_learned(
    rows: Path, project: Path, vocabulary: Vocabulary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once judged on its own valid rows and middles, once on those of another folder, which has no middles."""
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder, steps=2)
    config = str(tiny_runs.write_config(tmp_path / "run.toml", request))
    for name, options in (("own", ()), ("other", ("--valid", str(project)))):
        run = tmp_path / name
        command = ["pretrain", str(rows), "-o", str(run), "--tokenizer", str(vocabulary.folder), "--config", config]
        assert main([*command, *options]) == 0
        told = capsys.readouterr().out
        before, after = tiny_runs.evaluations(run)
        shown = [line.split()[:2] for line in told.splitlines()[2:]]
        assert shown == [[str(line["step"]), f"{line['valid_loss']:.4g}"] for line in (before, after)]
        assert ("n_middles" in after) == (name == "own")
        assert main([*command, *options]) == 0
        assert capsys.readouterr().out == told, "nothing is left to do"
    compare = ["runs", str(tmp_path / "own"), str(tmp_path / "other"), "--plot"]
    assert main([*compare, str(tmp_path / "losses.svg")]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "own", "other"]
    assert {"own", "other"} <= set(re.findall(r">(\w+)</text>", (tmp_path / "losses.svg").read_text()))
    assert main([*compare, str(tmp_path / "no" / "losses.svg")]) == 1
    assert "losses.svg: cannot be written: No such file or directory" in capsys.readouterr().err
    assert main(["runs", str(rows)]) == 1
    assert "holds no evaluation of a run" in capsys.readouterr().err


# --- what stops a run


def test_diverged(rows: Path, vocabulary: Vocabulary, tmp_path: Path) -> None:
    """The first checkpoint is good; what comes after is not saved."""
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder, lr_max=1e30, warmup=0.99, steps=1000)
    request = replace(request, training=replace(request.training, lr_max=1e38))
    with pytest.raises(Diverged, match=r"no number any more at step \d") as raised:
        train(replace(request, machine=replace(request.machine, save_steps=1)))
    good = newest_checkpoint(request.output)
    if good is None:
        assert "no checkpoint was written before" in str(raised.value)
    else:
        assert f"--from {good}" in str(raised.value)
        assert all(np.isfinite(tensor.read(0, 1)).all() for tensor in open_checkpoint(good).tensors.values())


@pytest.fixture
def little_disk() -> Iterator[None]:
    """No file can grow beyond 100 kB: what a full disk does, without filling one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits of POSIX")
def test_no_room_for_a_checkpoint(rows: Path, vocabulary: Vocabulary, tmp_path: Path, little_disk: None) -> None:
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder)
    with pytest.raises(
        OutputError, match=r"step-00000002: cannot be written \(.*; the checkpoints before it are whole"
    ):
        train(request)
    assert not list((request.output / "checkpoints").iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)[1:] * 2)
    assert train(request).state.step == 6
