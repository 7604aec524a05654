"""SentencePiece checkpoints of aixcoder's layout: llama.cpp's ids are the library's, and markers are never text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sentencepiece
from tokenizers import Tokenizer, models

from midfill_model.files.gguf_layout import Layout, Stored, read_layout, read_numbers
from midfill_model.files.random_model import AIXCODER_SENTINELS, TokenType
from midfill_training.errors import BadCheckpoint, TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.llama_process import tokenise
from midfill_training.export.sentencepiece_proto import parse_model, serialise_bpe_model
from midfill_training.export.tokenizer import read_vocabulary
from midfill_training.export.verify import VerifyOptions, verify
from midfill_training.inspection import inspect_gguf
from model import sentencepiece_model
from training import checkpoints
from training.code_lines import code_lines
from training.damage import edit_json

PRE, MIDDLE, POST = (f"▁<AIX-SPAN-{part}>" for part in ("PRE", "MIDDLE", "POST"))


@pytest.fixture(scope="module")
def tokenizer_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentencepiece_model.train(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def aixcoder(tmp_path_factory: pytest.TempPathFactory, tokenizer_model: Path) -> Path:
    return checkpoints.write_aixcoder(tmp_path_factory.mktemp("checkpoints") / "aixcoder", tokenizer_model)


@pytest.fixture(scope="module")
def gguf(aixcoder: Path) -> Path:
    path = aixcoder.parent / "aixcoder.gguf"
    export(aixcoder, path, ExportOptions())
    return path


def test_logits_and_everything_else_agree(aixcoder: Path, gguf: Path) -> None:
    report = verify(aixcoder, gguf, VerifyOptions())
    assert report.findings == ()


def test_ids_of_2000_lines(tokenizer_model: Path, gguf: Path) -> None:
    """The dummy space is written here, because the file switches llama.cpp's off."""
    library = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    lines = code_lines()
    assert tokenise(gguf, [" " + line for line in lines], special=False) == [library.encode(line) for line in lines]


def test_ids_of_2000_lines_between_markers(tokenizer_model: Path, gguf: Path) -> None:
    """As the official code builds its prompts: no dummy space in the suffix, one in front of the prefix."""
    library = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    n_cut = len(library.encode("☺"))
    lines = code_lines()
    texts = [f"{PRE}{POST}{line[::-1]}{MIDDLE} {line}" for line in lines]
    ids = {piece: token for token, piece in AIXCODER_SENTINELS.items()}
    expected = [
        [ids[PRE], ids[POST], *library.encode("☺" + line[::-1])[n_cut:], ids[MIDDLE], *library.encode(line)]
        for line in lines
    ]
    assert tokenise(gguf, texts, special=True) == expected


def test_markers_in_code_stay_code(gguf: Path) -> None:
    (ids,) = tokenise(gguf, [f"print('{MIDDLE}')"], special=False)
    assert not set(ids) & set(AIXCODER_SENTINELS)


def test_metadata(gguf: Path) -> None:
    told = inspect_gguf(gguf)
    assert told.prompt_format == "aixcoder"
    assert told.header is not None
    assert (told.header.fim.prefix, told.header.fim.suffix, told.header.fim.middle) == (260, 262, 261)
    types = {token.token_id: token.type for token in told.special_tokens}
    assert {types[token] for token in AIXCODER_SENTINELS} == {"CONTROL"}
    layout = read_layout(gguf)
    assert layout.values["tokenizer.ggml.add_space_prefix"] is False
    assert types_of(layout)[3:259] == [TokenType.BYTE] * 256


def types_of(layout: Layout) -> list[int]:
    stored = layout.values["tokenizer.ggml.token_type"]
    assert isinstance(stored, Stored)
    return [int(kind) for kind in read_numbers(layout, stored)]


def test_without_markers_the_file_adds_the_space(tmp_path: Path, tokenizer_model: Path) -> None:
    folder = checkpoints.write_aixcoder(tmp_path / "plain", tokenizer_model)
    model = parse_model(tokenizer_model.read_bytes())
    pieces = [
        piece if token not in AIXCODER_SENTINELS else type(piece)(f"<reserved-{token}>", 0.0, 3)
        for token, piece in enumerate(model.pieces)
    ]
    (folder / "tokenizer.model").write_bytes(serialise_bpe_model(pieces))
    export(folder, tmp_path / "plain.gguf", ExportOptions())
    assert read_layout(tmp_path / "plain.gguf").values["tokenizer.ggml.add_space_prefix"] is True
    library = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    lines = code_lines()
    assert tokenise(tmp_path / "plain.gguf", lines, special=False) == [library.encode(line) for line in lines]


def test_user_defined_markers_become_control(tmp_path: Path, tokenizer_model: Path) -> None:
    folder = checkpoints.write_aixcoder(tmp_path / "defined", tokenizer_model)
    model = parse_model(tokenizer_model.read_bytes())
    pieces = [
        type(piece)(piece.text, piece.score, TokenType.USER_DEFINED) if token in AIXCODER_SENTINELS else piece
        for token, piece in enumerate(model.pieces)
    ]
    (folder / "tokenizer.model").write_bytes(serialise_bpe_model(pieces))
    export(folder, tmp_path / "defined.gguf", ExportOptions())
    assert {types_of(read_layout(tmp_path / "defined.gguf"))[token] for token in AIXCODER_SENTINELS} == {3}


def test_added_tokens_follow_the_pieces(tmp_path: Path, tokenizer_model: Path) -> None:
    folder = checkpoints.write_aixcoder(tmp_path / "added", tokenizer_model)
    n_pieces = sentencepiece_model.N_PIECES
    added = {str(n_pieces): {"content": "<|chat|>", "special": True}}
    (folder / "tokenizer_config.json").write_text("{}")
    edit_json(folder / "tokenizer_config.json", {"added_tokens_decoder": added})
    with pytest.raises(BadCheckpoint, match="resize the model's embeddings after adding tokens"):
        export(folder, tmp_path / "added.gguf", ExportOptions())


@pytest.mark.parametrize(
    ("files", "adds_bos"),
    [
        pytest.param({}, True, id="tokenizer.model alone, as Code Llama has it"),
        pytest.param({"tokenizer_config.json": '{"add_bos_token": false}'}, False, id="switched off"),
        pytest.param({"tokenizer.json": None}, False, id="a tokenizer.json that adds none, as aixcoder has it"),
    ],
)
def test_bos_in_front(files: dict[str, str | None], adds_bos: bool, tmp_path: Path, tokenizer_model: Path) -> None:
    folder = checkpoints.write_aixcoder(tmp_path / "checkpoint", tokenizer_model)
    for name, content in files.items():
        if content is None:
            Tokenizer(models.BPE()).save(str(folder / name))
        else:
            (folder / name).write_text(content)
    config = json.loads((folder / "config.json").read_text())
    assert read_vocabulary(folder, config).vocabulary.add_bos is adds_bos


def test_own_markers(tmp_path: Path, aixcoder: Path) -> None:
    names = ("▁<AIX-SYSTEM>", "▁<AIX-USER>", "▁<AIX-END-TURN>")
    export(aixcoder, tmp_path / "own.gguf", ExportOptions(fim=names))
    header = inspect_gguf(tmp_path / "own.gguf").header
    assert header is not None
    assert (header.fim.prefix, header.fim.suffix, header.fim.middle) == (264, 265, 263)
    with pytest.raises(BadCheckpoint, match="the tokenizer has no piece '<a>'"):
        export(aixcoder, tmp_path / "none.gguf", ExportOptions(fim=("<a>", "<b>", "<c>")))


def test_what_llama_cpp_cannot_reproduce_is_refused(tmp_path: Path) -> None:
    """Normalisation that GGUF has no word for: full-width characters become plain ones."""
    trained = tmp_path / "nfkc"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(code_lines()),
        model_prefix=str(trained),
        model_type="bpe",
        vocab_size=sentencepiece_model.N_PIECES,
        byte_fallback=True,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    folder = checkpoints.write_aixcoder(tmp_path / "checkpoint", trained.with_suffix(".model"))
    with pytest.raises(TokenizerMismatch, match=r"tokenises .* differently, the first being"):
        export(folder, tmp_path / "out.gguf", ExportOptions())


def test_unigram_is_refused(tmp_path: Path) -> None:
    trained = tmp_path / "unigram"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(code_lines()), model_prefix=str(trained), vocab_size=2000, minloglevel=2
    )
    folder = checkpoints.write_aixcoder(tmp_path / "checkpoint", trained.with_suffix(".model"))
    with pytest.raises(UnsupportedCheckpoint, match="not a BPE model"):
        export(folder, tmp_path / "out.gguf", ExportOptions())


@pytest.mark.parametrize("data", [b"", b"\x0a\xff\x01", b"\x07", b"not a model"])
def test_damaged_models_are_refused(data: bytes, tmp_path: Path, tokenizer_model: Path) -> None:
    folder = checkpoints.write_aixcoder(tmp_path / "checkpoint", tokenizer_model)
    (folder / "tokenizer.model").write_bytes(data)
    with pytest.raises(BadCheckpoint, match="cannot be read as a SentencePiece model"):
        export(folder, tmp_path / "out.gguf", ExportOptions())
