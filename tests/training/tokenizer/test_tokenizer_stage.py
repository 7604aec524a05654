"""Tokenizers learned from a corpus: what they are, that llama.cpp agrees with them, and what a run leaves."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from midfill_model.files.random_model import AIXCODER_SENTINELS
from midfill_model.prompts.formats import AIXCODER, MIDFILL
from midfill_training.commands import tokenizer as command
from midfill_training.corpus.documents import SourceFile, write_shard
from midfill_training.errors import BadInput, OutputError
from midfill_training.export.llama_process import tokenise
from midfill_training.export.tokenizer import read_vocabulary
from midfill_training.export.writer import write_vocabulary_file
from midfill_training.report.manifest import FILE_NAME, read_manifest
from midfill_training.tokenizer.settings import TokenizerSettings
from midfill_training.tokenizer.stage import TokenizerOptions, make_tokenizer
from midfill_training.tokenizer.text import corpus_text
from midfill_training.tokenizer.vocabulary import load_vocabulary
from training.code_lines import code_lines
from training.sources import sources

N_TOKENS = 2000
KINDS = ("bpe", "sentencepiece")


def write_corpus(folder: Path) -> Path:
    folder.mkdir()
    for number, (language, texts) in enumerate(sources().items()):
        texts = texts[:12]
        files = [SourceFile(f"project-{language}", f"src/{at}", language, text) for at, text in enumerate(texts)]
        write_shard(folder, number, files)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpora") / "corpus")


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, corpus: Path) -> Path:
    out = corpus.parent / str(request.param)
    make_tokenizer(corpus, out, TokenizerSettings(kind=request.param, vocab=N_TOKENS))
    return out


def test_llama_cpp_agrees(made: Path, tmp_path: Path) -> None:
    """The folder goes through the conversion, which refuses what differs; then code has the same ids everywhere."""
    vocabulary = load_vocabulary(made)
    gguf = write_vocabulary_file(tmp_path / "vocabulary.gguf", read_vocabulary(made, {}).vocabulary)
    texts = [*code_lines(), *(texts[0] for texts in sources().values())]
    assert tokenise(gguf, texts, special=False) == [vocabulary.encode(text) for text in texts]


def test_transformers_agrees(made: Path) -> None:
    from transformers import AutoTokenizer

    theirs, ours = AutoTokenizer.from_pretrained(made), load_vocabulary(made)
    assert len(theirs) == len(ours.pieces)
    space = " " if (made / "tokenizer.model").exists() else ""
    for line in code_lines()[:400]:
        if line[0] != " ":  # there transformers saves SentencePiece's dummy space
            assert theirs.encode(line, add_special_tokens=False) == ours.encode(space + line)


def test_it_can_spell_everything(made: Path) -> None:
    vocabulary = load_vocabulary(made)
    text = "größe = '🙂' # 数\n\t\tif x:\n\n\n        y = 12345\x00\x7f\u2028é\n"
    assert b"".join(vocabulary.pieces[token] for token in vocabulary.encode(text)).decode() == text


def test_size_and_sentinels(made: Path) -> None:
    vocabulary = load_vocabulary(made)
    assert len(vocabulary.pieces) == N_TOKENS
    if made.name == "bpe":
        assert [vocabulary.text(token) for token in range(5)] == [
            *("<|endoftext|>", "<file_sep>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")
        ]
        assert set(MIDFILL.sentinels) <= set(vocabulary.ids)
    else:
        assert {token: vocabulary.text(token) for token in range(260, 266)} == AIXCODER_SENTINELS
        assert [vocabulary.text(token) for token in (0, 1, 2, 266)] == ["<unk>", "<s>", "</s>", "▁<AIX-ASSISTANT>"]
        assert vocabulary.encode("\n") == [13]
        assert set(AIXCODER.sentinels) <= set(vocabulary.ids)


@pytest.mark.parametrize("n_blanks", [4, 8])
def test_runs_of_blanks_are_one_token(made: Path, n_blanks: int) -> None:
    """To byte-level BPE the last blank belongs to the word."""
    vocabulary = load_vocabulary(made)
    n_of_word = int(made.name == "bpe")
    split = [b" " * (n_blanks - n_of_word), b" " * n_of_word + b"return"]
    assert [vocabulary.pieces[token] for token in vocabulary.encode(" " * n_blanks + "return")] == split


def test_digits_stay_single(made: Path) -> None:
    assert not [piece for piece in load_vocabulary(made).pieces if sum(map(bytes.isdigit, _bytes(piece))) > 1]


def _bytes(piece: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in piece]


def test_report_and_manifest(made: Path) -> None:
    manifest = read_manifest(made)
    assert manifest is not None
    assert manifest.counts["tokens"] == N_TOKENS
    assert set(manifest.counts["chars_per_token"]) == set(sources())
    assert all(1.5 < ratio < 6 for ratio in manifest.counts["chars_per_token"].values())
    page = (made / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "Characters a token" in page


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_learns_the_same(kind: str, corpus: Path, tmp_path: Path) -> None:
    """Whatever the seed of its hashes."""
    code = (
        "import sys; from pathlib import Path\n"
        "from midfill_training.tokenizer.settings import TokenizerSettings\n"
        "from midfill_training.tokenizer.stage import make_tokenizer\n"
        f"print(make_tokenizer(Path(sys.argv[1]), Path(sys.argv[2]), TokenizerSettings({kind!r}, 700)).outputs)\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, corpus, tmp_path / str(seed)],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    ]
    assert outputs[0] == outputs[1] != b""


def test_running_again_does_nothing(corpus: Path, tmp_path: Path) -> None:
    out, settings = tmp_path / "out", TokenizerSettings(vocab=400)
    first = make_tokenizer(corpus, out, settings)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert make_tokenizer(corpus, out, settings).outputs == first.outputs
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    with pytest.raises(OutputError, match="another run has made; choose another folder, or --force"):
        make_tokenizer(corpus, out, TokenizerSettings("sentencepiece", 500))
    made = make_tokenizer(corpus, out, TokenizerSettings("sentencepiece", 500), TokenizerOptions(force=True))
    assert made.counts["tokens"] == 500
    assert {path.name for path in out.iterdir()} == {
        *("tokenizer.model", "tokenizer_config.json", "report.html", "manifest.json")
    }


def test_a_run_that_was_killed_starts_again(corpus: Path, tmp_path: Path) -> None:
    """Without a manifest nothing counts, whatever lies there."""
    out, settings = tmp_path / "out", TokenizerSettings(vocab=400)
    first = make_tokenizer(corpus, out, settings)
    (out / FILE_NAME).unlink()
    (out / "tokenizer.json").write_text("half of")
    assert make_tokenizer(corpus, out, settings).outputs == first.outputs


def test_a_large_corpus_is_read_in_part(corpus: Path) -> None:
    n_all = sum(corpus_text(corpus, 1).n_bytes.values())
    text = corpus_text(corpus, n_all // 2)
    read = list(text.files())
    assert 0.25 < sum(len(file.text.encode()) for file in read) / n_all < 0.75
    assert [file.path for file in text.files()] == [file.path for file in read]
    assert {file.language for file in read} == set(sources())


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_corpus_gives_fewer_tokens(kind: str, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    write_shard(tmp_path / "corpus", 0, [SourceFile("p", "a.py", "python", "x = 1\nprint(x)\n" * 50)])
    made = make_tokenizer(tmp_path / "corpus", tmp_path / "out", TokenizerSettings(kind))
    assert 256 < made.counts["tokens"] < 400


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "unigram"}, "there are bpe, sentencepiece"),
        ({"vocab": 10}, "has 300 tokens or more"),
        ({"max_mb": 0}, "both are from 1 on"),
        ({"max_piece_chars": 0}, "both are from 1 on"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        TokenizerSettings(**settings)  # type: ignore[arg-type]


def test_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no shard of a corpus"):
        make_tokenizer(tmp_path / "none", tmp_path / "out", TokenizerSettings())
    (tmp_path / "corpus").mkdir()
    write_shard(tmp_path / "corpus", 0, [SourceFile("p", "a.py", "python", "")])
    with pytest.raises(BadInput, match="holds no text to learn a tokenizer from"):
        make_tokenizer(tmp_path / "corpus", tmp_path / "out", TokenizerSettings())


def test_outputs_that_cannot_be(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        make_tokenizer(corpus, tmp_path / "file", TokenizerSettings(vocab=400))
    with pytest.raises(OutputError, match="cannot be written"):
        make_tokenizer(corpus, tmp_path / "file" / "below", TokenizerSettings(vocab=400), TokenizerOptions(force=True))


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["tokenizer", *map(str, arguments)])
    code: int = args.run(args)
    return code


def test_the_command(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("[tokenizer]\nvocab = 9999\nmax_mb = 3\n")
    assert run(corpus, "-o", tmp_path / "out", "--vocab", 400, "--config", config) == 0
    told = capsys.readouterr().out
    assert "400 tokens" in told
    assert "python" in told
    assert run(corpus, "-o", tmp_path / "out", "--vocab", 400, "--config", config, "--json") == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {
        **{"kind": "bpe", "vocab": 400, "max_mb": 3, "max_piece_chars": 32}
    }
