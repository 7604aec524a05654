"""LoRA adapters of PEFT: merged and as GGUF adapters they are the PEFT model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import MIDFILL_TRAIN, run
from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest, EngineState, Limits, StopReason
from midfill_model.files.gguf_layout import read_layout
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.wire import EngineOptions
from midfill_training.errors import BadCheckpoint, UnsupportedCheckpoint
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.llama_process import greedy, tokenise
from midfill_training.export.lora import export_adapter
from midfill_training.export.reference_logits import load_reference
from midfill_training.export.verify import VerifyOptions, verify
from training import checkpoints
from training.code_lines import code_lines
from training.damage import edit_json

# PEFT asks transformers 5.23 for a property by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
N_NEW = 24
N_LEARNED = 12


@pytest.fixture(scope="module")
def adapter(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.train_adapter(llama, tmp_path_factory.mktemp("adapters") / "adapter", code_lines()[:N_LEARNED])


def test_greedy_text_is_that_of_peft(llama: Path, llama_gguf: Path, adapter: Path, tmp_path: Path) -> None:
    export_adapter(adapter, open_checkpoint(llama), tmp_path / "adapter.gguf")
    export(llama, tmp_path / "merged.gguf", ExportOptions(adapter=adapter))
    prompts = tokenise(llama_gguf, ["\n".join(code_lines()[:n]) for n in (3, 6, N_LEARNED)], special=False)
    expected = peft_greedy(llama, adapter, prompts)
    assert greedy(tmp_path / "merged.gguf", prompts, N_NEW) == expected
    assert greedy(llama_gguf, prompts, N_NEW, lora=tmp_path / "adapter.gguf") == expected
    assert greedy(llama_gguf, prompts, N_NEW) != expected


def peft_greedy(llama: Path, adapter: Path, prompts: list[list[int]]) -> list[list[int]]:
    import torch

    model = load_reference(llama, open_checkpoint(llama), adapter)
    written = []
    for prompt in prompts:
        ids = list(prompt)
        for _ in range(N_NEW):
            with torch.inference_mode():
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        written.append(ids[len(prompt) :])
    return written


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"use_rslora": True}, id="rank-stabilised"),
        pytest.param({"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"up_proj": 3}}, id="patterns"),
    ],
)
def test_both_forms_verify(changes: dict[str, Any], llama: Path, llama_gguf: Path, tmp_path: Path) -> None:
    adapter = checkpoints.write_adapter(llama, tmp_path / "adapter", **changes)
    export_adapter(adapter, open_checkpoint(llama), tmp_path / "adapter.gguf")
    export(llama, tmp_path / "merged.gguf", ExportOptions(adapter=adapter))
    beside = verify(llama, llama_gguf, VerifyOptions(adapter=adapter, lora=tmp_path / "adapter.gguf"))
    merged = verify(llama, tmp_path / "merged.gguf", VerifyOptions(adapter=adapter))
    assert beside.findings == ()
    assert merged.findings == ()
    assert {finding.check for finding in verify(llama, tmp_path / "merged.gguf", VerifyOptions()).findings} == {
        "weights",
        "logits",
    }


def test_starcoder2(tmp_path: Path) -> None:
    folder = checkpoints.write_starcoder2(tmp_path / "checkpoint")
    adapter = checkpoints.write_adapter(folder, tmp_path / "adapter", target_modules=["q_proj", "c_fc"])
    export(folder, tmp_path / "base.gguf", ExportOptions())
    export_adapter(adapter, open_checkpoint(folder), tmp_path / "adapter.gguf")
    options = VerifyOptions(adapter=adapter, lora=tmp_path / "adapter.gguf")
    assert verify(folder, tmp_path / "base.gguf", options).findings == ()


def test_the_command(llama: Path, adapter: Path, tmp_path: Path) -> None:
    output = tmp_path / "adapter.gguf"
    done = run(MIDFILL_TRAIN, "lora", str(adapter), "--base", str(llama), "-o", str(output), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n_changed_tensors"] == 14
    values = read_layout(output).values
    assert values["general.type"] == "adapter"
    assert values["adapter.type"] == "lora"
    assert values["adapter.lora.alpha"] == 16.0
    again = run(MIDFILL_TRAIN, "lora", str(adapter), "--base", str(llama), "-o", str(output))
    assert again.returncode == 1
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        pytest.param(
            lambda f: edit_json(f / "adapter_config.json", {"use_dora": True}),
            UnsupportedCheckpoint,
            "use_dora = True cannot be converted; merge it with PEFT",
            id="DoRA",
        ),
        pytest.param(
            lambda f: (f / "adapter_model.safetensors").unlink(),
            BadCheckpoint,
            "missing; save the adapter",
            id="no weights",
        ),
        pytest.param(lambda f: (f / "adapter_config.json").unlink(), BadCheckpoint, "missing", id="no config"),
    ],
)
def test_refused(
    break_it: Callable[[Path], None], error: type[Exception], message: str, llama: Path, tmp_path: Path
) -> None:
    adapter = checkpoints.write_adapter(llama, tmp_path / "adapter")
    break_it(adapter)
    with pytest.raises(error, match=message):
        export_adapter(adapter, open_checkpoint(llama), tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def test_another_models_adapter(adapter: Path, tmp_path: Path) -> None:
    other = checkpoints.write_llama(tmp_path / "other", hidden_size=128)
    with pytest.raises(BadCheckpoint, match="is it another model's adapter"):
        export_adapter(adapter, open_checkpoint(other), tmp_path / "out.gguf")


def test_the_engine_serves_a_model_with_its_adapter(
    llama: Path, llama_gguf: Path, adapter: Path, tmp_path: Path
) -> None:
    """What the engine writes with the adapter is what it writes with the merged model."""
    export_adapter(adapter, open_checkpoint(llama), tmp_path / "adapter.gguf")
    export(llama, tmp_path / "merged.gguf", ExportOptions(adapter=adapter))
    with_adapter = served(llama_gguf, EngineOptions(lora=tmp_path / "adapter.gguf"))
    assert with_adapter == served(tmp_path / "merged.gguf", EngineOptions())
    assert with_adapter != served(llama_gguf, EngineOptions())


def served(model: Path, options: EngineOptions) -> tuple[str, StopReason]:
    engine = LlamaEngine(model, options)
    try:
        assert engine.wait_until_loaded(60).state is EngineState.READY, engine.status.reason
        cursor = Cursor("a.py", "python", "def add(a, b):\n    return a + b\n\ndef mul(a, b):\n    return", "")
        completion = engine.submit(CompletionRequest(cursor, limits=Limits(max_tokens=12))).result(60)
        return completion.text, completion.stop_reason
    finally:
        engine.close()


@pytest.mark.parametrize("content", [None, b"not a GGUF", "the model itself"], ids=["missing", "damaged", "a model"])
def test_the_engine_says_what_is_wrong_with_an_adapter(
    llama_gguf: Path, tmp_path: Path, content: bytes | str | None
) -> None:
    path = llama_gguf if isinstance(content, str) else tmp_path / "adapter.gguf"
    if isinstance(content, bytes):
        path.write_bytes(content)
    engine = LlamaEngine(llama_gguf, EngineOptions(lora=path))
    status = engine.wait_until_loaded(60)
    engine.close()
    assert status.state is EngineState.ERROR
    assert str(path.name) in status.reason
