"""`midfill-train inspect`, run as a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import MIDFILL_TRAIN, run
from tiny_gguf import write_tiny_gguf

FIM = {f"tokenizer.ggml.fim_{part}_token_id": token for part, token in (("pre", 3), ("suf", 4), ("mid", 5))}


def inspected(path: Path) -> Any:
    done = run(MIDFILL_TRAIN, "inspect", str(path), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_default_model(smollm2: Path) -> None:
    told = inspected(smollm2)
    assert told["n_parameters"] == 134_515_008
    assert {kind["name"]: kind["n_tensors"] for kind in told["tensor_types"]} == {
        "Q4_1": 210,
        "Q8_0": 1,
        "F32": 61,
    }
    assert told["special_tokens"][1] == {
        "token_id": 1,
        "piece": "<|im_start|>",
        "type": "CONTROL",
        "roles": ["bos"],
    }
    assert told["prompt_format"] == "prefix-only"
    assert told["refusal"] == ""


def test_text_for_people(smollm2: Path) -> None:
    done = run(MIDFILL_TRAIN, "inspect", str(smollm2))
    assert done.returncode == 0
    assert "tokenizer   gpt2, smollm, 49,152 tokens\n" in done.stdout
    assert "  Q4_1       210 tensors" in done.stdout
    assert done.stdout.endswith("midfill can serve it, with the prompt format prefix-only\n")


def test_fim_markers_and_the_format_they_lead_to(tmp_path: Path) -> None:
    tokens = ("<unk>", "<s>", "</s>", "<PRE>", "<SUF>", "<MID>", "a", "b")
    told = inspected(write_tiny_gguf(tmp_path / "fim.gguf", tokens=tokens, extra_uint32=FIM))
    assert told["header"]["fim"]["prefix"] == 3
    assert told["prompt_format"] == "fim"
    assert {token["piece"]: token["roles"] for token in told["special_tokens"]}["<MID>"] == ["fim_mid"]


def test_a_marker_that_is_stored_as_plain_text_is_shown(tmp_path: Path) -> None:
    types = (2, 3, 3, 1, 3, 3, 1, 1)
    told = inspected(write_tiny_gguf(tmp_path / "fim.gguf", token_types=types, extra_uint32=FIM))
    shown = {token["piece"]: token["type"] for token in told["special_tokens"]}
    assert shown["<fim_prefix>"] == "NORMAL"
    assert shown["<fim_suffix>"] == "CONTROL"
    assert "a" not in shown


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"architecture": "clip"}, "vision part"),
        ({"tokenizer": None}, "no tokenizer"),
        ({"with_tensors": False}, "no weights"),
    ],
)
def test_what_cannot_be_served_is_still_inspected(tmp_path: Path, changes: dict[str, Any], refusal: str) -> None:
    path = write_tiny_gguf(tmp_path / "other.gguf", **changes)
    told = inspected(path)
    assert (told["header"], told["prompt_format"]) == (None, None)
    assert refusal in told["refusal"]
    done = run(MIDFILL_TRAIN, "inspect", str(path))
    assert done.returncode == 0
    assert "midfill cannot serve it: " in done.stdout


def test_problems_are_one_line_and_exit_code_1(tmp_path: Path) -> None:
    cut = write_tiny_gguf(tmp_path / "cut.gguf")
    cut.write_bytes(cut.read_bytes()[:-10])
    (tmp_path / "text.gguf").write_text("hello")
    for path, message in (
        (cut, "cut short"),
        (tmp_path / "text.gguf", "not a GGUF"),
        (tmp_path / "no", "no such file"),
    ):
        done = run(MIDFILL_TRAIN, "inspect", str(path))
        assert done.returncode == 1
        assert done.stderr.startswith("midfill-train: ")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [[], ["inspect"], ["frobnicate"]])
def test_wrong_usage_is_exit_code_2(args: list[str]) -> None:
    assert run(MIDFILL_TRAIN, *args).returncode == 2


def test_version() -> None:
    done = run(MIDFILL_TRAIN, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("midfill-train ")
