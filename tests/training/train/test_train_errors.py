"""What cannot be trained is refused before anything is written, with a way out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from midfill_training.cli import main
from midfill_training.errors import BadCheckpoint, BadInput, TrainingError, UnsupportedCheckpoint
from midfill_training.train import loop, shapes
from midfill_training.train.run import Request, train
from midfill_training.train.settings import Lora, Machine, Training
from training.train import tiny_rows, tiny_runs
from training.train.tiny_rows import Vocabulary

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "training" / "configs"


@pytest.fixture
def request_(rows: Path, vocabulary: Vocabulary, tmp_path: Path) -> Request:
    return tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Training, {"precision": "fp8"}, "training.precision must be one of bf16, f32"),
        (Training, {"lr_min": 1.0}, "training.lr_min must be between 0 and lr_max"),
        (Training, {"warmup": 1.0}, "training.warmup must be a share"),
        (Training, {"batch_rows": 0}, "training.batch_rows must be at least 1"),
        (Training, {"minutes": -1.0}, "training.minutes must be 0 or more"),
        (Machine, {"micro_rows": 0}, "machine.micro_rows must be at least 1"),
        (Machine, {"save_minutes": -1.0}, "machine.save_minutes must be 0 or more"),
        (Lora, {"targets": ()}, "lora.rank and targets must be not empty"),
        (shapes.ModelShape, {"hidden_size": 0}, "model.hidden_size is 0; it must be positive"),
        (shapes.ModelShape, {"num_attention_heads": 3}, "num_attention_heads must divide hidden_size"),
    ],
)
def test_settings_that_make_no_sense(kind: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        kind(**values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": Path("nowhere")}, "no rows of tokens"),
        ({"valid": Path("nowhere")}, "no rows of tokens"),
        ({"tokenizer": None}, "fresh weights need a tokenizer; name its folder with --tokenizer"),
        ({"tokenizer": CONFIGS}, "has neither tokenizer.json nor tokenizer.model"),
        ({"start": Path("nowhere")}, "no such checkpoint folder and no such GGUF"),
        ({"lora": Lora()}, "a LoRA adapter needs a model to start from"),
        (
            {"shape": replace(tiny_runs.SHAPE, max_position_embeddings=100)},
            "the train rows are of 128 tokens, the model sees 100; pack shorter rows",
        ),
        (
            {"shape": replace(tiny_runs.SHAPE, vocab_size=1000)},
            "the tokenizer has 1,200 tokens, model.vocab_size 1,000",
        ),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_requests_that_cannot_be_met(request_: Request, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        train(replace(request_, **changes))
    assert train(request_).folder is not None, "what was refused does not stand in the way"


def test_rows_of_another_tokenizer(request_: Request, tmp_path: Path) -> None:
    """The model is too small for them: on a GPU that would end in an assertion without a word."""
    few = tiny_rows.make_vocabulary(tmp_path / "few", n_tokens=600)
    with pytest.raises(BadInput, match=r"the rows hold token 1,\d+ and the model has 600 tokens; pack the rows"):
        train(replace(request_, tokenizer=few.folder))


def test_a_damaged_tokenizer(request_: Request, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="the tokenizer cannot be read"):
        train(replace(request_, tokenizer=folder))


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda folder: (folder / "config.json").unlink(), BadCheckpoint),
        (lambda folder: next(folder.glob("*.safetensors")).write_bytes(b"\0" * 100), BadCheckpoint),
        (
            lambda folder: (folder / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}'),
            UnsupportedCheckpoint,
        ),
    ],
    ids=["no config", "damaged weights", "another architecture"],
)
def test_a_start_that_is_none(request_: Request, broken: Path, damage: Any, error: type[TrainingError]) -> None:
    damage(broken)
    with pytest.raises(error):
        train(replace(request_, start=broken))


def test_too_little_memory_on_the_gpu(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_batch(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop, "run_batch", run_batch)
    with pytest.raises(BadInput, match=r"lower machine\.micro_rows \(now 4\), or set machine\.checkpoint_activations"):
        train(request_)


def test_lora_targets_that_the_model_lacks(request_: Request, llama: Path) -> None:
    with pytest.raises(BadInput, match=r"lora.targets: .*no_such_proj"):
        train(replace(request_, start=llama, lora=Lora(targets=("no_such_proj",))))


def test_batches_that_processes_cannot_share(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    from midfill_training.train import run

    class Three(run.Processes):
        def __init__(self, machine: Machine, *, precision: str) -> None:
            super().__init__(machine, precision=precision)
            self.world = 3

    monkeypatch.setattr(run, "Processes", Three)
    with pytest.raises(BadInput, match=r"training\.batch_rows is 4; 3 processes cannot share that evenly"):
        train(request_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "training.learning_rate=1"], "training.learning_rate is no setting; there are batch_rows"),
        (["--set", "training.steps=many"], "training.steps is 'many'; it takes int"),
        (["--set", "optimiser.name=sgd"], "there is no table 'optimiser'; there are model, training"),
        (["--set", "steps"], "write it as model.NAME=VALUE"),
    ],
)
def test_the_command_s_settings(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["pretrain", "rows", "-o", "run", *options])
    except SystemExit as wrong_usage:
        code = int(str(wrong_usage.code))
    assert code in (1, 2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "n_parameters", "length"),
    [("aixcoder-7b", 7_432_572_928, 32_768), ("midfill-135m", 134_515_008, 8192), ("tiny", None, 1024)],
)
def test_configs(name: str, n_parameters: int | None, length: int) -> None:
    """The sizes are those that are published; nothing is allocated."""
    from transformers import LlamaForCausalLM

    from midfill_training.settings import read_settings

    path = CONFIGS / f"{name}.toml"
    for table, kind in {"training": Training, "machine": Machine}.items():
        read_settings(path, table, kind)
    shape = read_settings(path, "model", shapes.ModelShape)
    with torch.device("meta"):
        model = LlamaForCausalLM(shapes.llama_config(shape, n_tokens=4096, bos=1, eos=2))
    count = sum(parameter.numel() for parameter in model.parameters())
    assert n_parameters is None or count == n_parameters
    assert model.config.max_position_embeddings == length


def test_the_paper_s_settings() -> None:
    """PAPER.md section 4."""
    from midfill_training.settings import read_settings

    training = read_settings(CONFIGS / "aixcoder-7b.toml", "training", Training)
    assert (training.lr_max, training.lr_min, training.precision) == (1e-5, 1e-6, "bf16")


def test_one_process_needs_no_accelerate(request_: Request, llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert train(replace(request_, start=llama)).folder is not None
