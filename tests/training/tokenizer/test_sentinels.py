"""A model's tokenizer with midfill's sentinels: the same ids for everything else."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from midfill_model.files.gguf_layout import read_layout
from midfill_model.prompts.formats import MIDFILL
from midfill_training.commands import tokenizer as command
from midfill_training.errors import BadInput, OutputError, TrainingError
from midfill_training.export.restore_tokenizer import write_tokenizer
from midfill_training.tokenizer.sentinels import TAKEN, adopt_sentinels
from midfill_training.tokenizer.vocabulary import load_vocabulary


@pytest.fixture(scope="module")
def own(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_tokenizer(read_layout(smollm2), folder)
    return folder


def test_all_sentinels_and_no_other_change(own: Path, tmp_path: Path) -> None:
    names = adopt_sentinels(own, tmp_path / "out")
    before, after = load_vocabulary(own), load_vocabulary(tmp_path / "out")
    assert set(names.values()) == {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"}  # it has the others
    assert {after.ids[new] for new in names.values()} == {before.ids[old] for old in names}
    assert not set(names) & set(TAKEN)
    assert {*MIDFILL.sentinels, MIDFILL.end} <= set(after.ids)
    assert list(after.pieces) == list(before.pieces)
    assert after.ends == before.ends
    text = "def f(x):\n    return x  # <fim_middle> <issue_start>\n"
    assert after.encode(text) == before.encode(text)
    settings = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert not set(names) & {token["content"] for token in settings["added_tokens_decoder"].values()}


def test_again_nothing_is_left_to_rename(own: Path, tmp_path: Path) -> None:
    adopt_sentinels(own, tmp_path / "first")
    assert adopt_sentinels(tmp_path / "first", tmp_path / "second") == {}
    with pytest.raises(OutputError, match="exists; choose another folder"):
        adopt_sentinels(own, tmp_path / "first")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"added_tokens": [], "model": {"vocab": {}}}', "too few special tokens without a role"),
        ("{}", "not a BPE tokenizer as transformers writes them"),
        ('{"added_tokens": [{}], "model": {"vocab": {}}}', "not a BPE tokenizer"),
        ("[", "no valid JSON"),
    ],
    ids=["few", "empty", "other", "broken"],
)
def test_tokenizers_that_cannot_be_adapted(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(TrainingError, match=told):
        adopt_sentinels(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nowhere_to_write(own: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((BadInput, OutputError), match="cannot be written"):
        adopt_sentinels(own, tmp_path / "file")


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["tokenizer", *map(str, arguments)])
    code: int = args.run(args)
    return code


def test_the_command(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--from", own, "-o", tmp_path / "out") == 0
    assert "<fim_middle> in the place of <" in capsys.readouterr().out
    assert run("--from", own, "-o", tmp_path / "other", "--json") == 0
    assert "<fim_middle>" in json.loads(capsys.readouterr().out).values()
    assert run("-o", tmp_path / "none") == run(own, "--from", own, "-o", tmp_path / "none") == 2
    assert "name a corpus, or a tokenizer with --from" in capsys.readouterr().err
