"""Vocabularies of Hugging Face folders give the ids and the pieces of llama.cpp."""

from __future__ import annotations

import json
import random
import shutil
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfill_model.files.random_model import SHAPES, write_random_model
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.llama import ContextOptions, LlamaContext, LlamaVocabulary
from midfill_training.errors import BadInput, TrainingError
from midfill_training.export.sample_code import sample_texts
from midfill_training.tokenizer import vocabulary as vocabulary_module
from midfill_training.tokenizer.vocabulary import BpeVocabulary, SentencePieceVocabulary, load_vocabulary
from model.sentencepiece_model import to_vocabulary
from training import tokenizer_folders
from training.code_lines import code_lines
from training.sources import sources

TEXTS = [
    *sample_texts(),
    *code_lines()[::4],
    *(text for texts in sources().values() for text in texts[:3]),
    *("", " ", "\n", "  \n\n x", "<|endoftext|><file_sep>", "<s></s> ▁<AIX-SPAN-PRE>", "é🙂\u3000\ud800"),
]


@pytest.fixture(scope="module")
def smollm2_folder(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tokenizer_folders.write_smollm2(smollm2, tmp_path_factory.mktemp("smollm2") / "tokenizer")


@pytest.fixture(scope="module")
def sentencepiece_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tokenizer_folders.write_sentencepiece(tmp_path_factory.mktemp("sentencepiece") / "tokenizer")


@pytest.fixture(scope="module")
def bpe(smollm2_folder: Path) -> BpeVocabulary:
    found = load_vocabulary(smollm2_folder)
    assert isinstance(found, BpeVocabulary)
    return found


@pytest.fixture(scope="module")
def sentencepiece(sentencepiece_folder: Path) -> SentencePieceVocabulary:
    found = load_vocabulary(sentencepiece_folder)
    assert isinstance(found, SentencePieceVocabulary)
    return found


def served(gguf: Path) -> LlamaVocabulary:
    return LlamaContext(gguf, ContextOptions(256, 1, 64, 1), Interrupt()).vocabulary


@pytest.fixture(scope="module")
def served_bpe(smollm2: Path) -> LlamaVocabulary:
    return served(smollm2)


@pytest.fixture(scope="module")
def served_sentencepiece(sentencepiece_folder: Path) -> LlamaVocabulary:
    pieces = to_vocabulary(sentencepiece_folder / "tokenizer.model")
    write_random_model(sentencepiece_folder / "tiny.gguf", SHAPES["tiny"], pieces)
    return served(sentencepiece_folder / "tiny.gguf")


@pytest.mark.parametrize("kind", ["bpe", "sentencepiece"])
def test_ids_are_those_of_llama_cpp(kind: str, request: pytest.FixtureRequest) -> None:
    trained, serving = request.getfixturevalue(kind), request.getfixturevalue(f"served_{kind}")
    assert [text for text in TEXTS if trained.encode(text) != serving.encode(text)] == []


@pytest.mark.parametrize("kind", ["bpe", "sentencepiece"])
def test_pieces_are_those_of_llama_cpp(kind: str, request: pytest.FixtureRequest) -> None:
    trained, serving = request.getfixturevalue(kind), request.getfixturevalue(f"served_{kind}")
    assert list(trained.pieces) == list(serving.pieces)


def test_spellings(bpe: BpeVocabulary, sentencepiece: SentencePieceVocabulary) -> None:
    for vocabulary in (bpe, sentencepiece):
        assert all(vocabulary.text(token) == piece for piece, token in vocabulary.ids.items())
    assert bpe.text(bpe.ids["<fim_middle>"]) == "<fim_middle>"
    assert sentencepiece.ids["▁<AIX-SPAN-PRE>"] == 260
    assert (bpe.bos, bpe.ends) == (None, {bpe.ids["<|im_end|>"]})
    assert (sentencepiece.bos, sentencepiece.ends) == (None, {2})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters(max_codepoint=127), max_size=40) | st.text(st.sampled_from("ab1 '\n\tst.r"), max_size=40))
def test_the_cache_of_words_changes_nothing(bpe: BpeVocabulary, text: str) -> None:
    assert bpe.encode(text) == vocabulary_module._encode(bpe._tokenizer, text)


def test_other_pre_tokenizers_go_without_the_cache(smollm2_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(smollm2_folder, tmp_path / "other"))
    table = json.loads((folder / "tokenizer.json").read_text())
    table["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    (folder / "tokenizer.json").write_text(json.dumps(table))
    other = load_vocabulary(folder)
    assert isinstance(other, BpeVocabulary)
    assert other.encode("x = 1 + 12") == vocabulary_module._encode(other._tokenizer, "x = 1 + 12")


def test_new_words_are_encoded_when_the_cache_is_full(bpe: BpeVocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bpe.encode("neverseen = 1")
    monkeypatch.setattr(vocabulary_module, "MAX_WORDS", 0)
    fresh = vocabulary_module._Words(bpe._tokenizer)
    assert fresh["neverseen"] == before[: len(fresh["neverseen"])]
    assert not fresh


def test_speed(bpe: BpeVocabulary, sentencepiece: SentencePieceVocabulary, capsys: pytest.CaptureFixture[str]) -> None:
    """200 MB are to be encoded in minutes."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    text = "".join(file.read_text(encoding="utf-8") for file in random.Random(0).sample(files, 30))
    speeds = []
    for vocabulary in (bpe, sentencepiece):
        started = time.process_time()
        vocabulary.encode(text)
        speeds.append(len(text) / (time.process_time() - started) / 1e6)
    with capsys.disabled():
        print(f"\nencoding: byte-level BPE {speeds[0]:.1f} MB/s, SentencePiece {speeds[1]:.1f} MB/s")
    assert min(speeds) > 0.1


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, r"has neither tokenizer\.model nor tokenizer\.json; make one with `midfill-train tokenizer`"),
        ({"tokenizer.json": "{"}, "no valid JSON"),
        ({"tokenizer.json": "{}"}, "not a byte-level BPE"),
        ({"tokenizer.json": '{"pre_tokenizer": {"type": "ByteLevel"}}'}, "cannot be read"),
        ({"tokenizer.model": "no model"}, "cannot be read"),
    ],
    ids=["none", "json", "kind", "fields", "model"],
)
def test_folders_without_a_tokenizer(files: dict[str, str], told: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=told):
        load_vocabulary(tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has neither"):
        load_vocabulary(tmp_path / "none")
