"""Random models are read back by the gguf package and run by llama.cpp itself."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader, dequantize

from midfill_model.files.random_model import (
    AIXCODER_SENTINELS,
    SHAPES,
    FileType,
    TokenType,
    Vocabulary,
    synthetic_vocabulary,
    write_random_model,
)
from model.sentencepiece_model import N_PIECES, to_vocabulary, train

llama_cpp: Any = pytest.importorskip("llama_cpp")

TINY = SHAPES["tiny"]
# Blocks of 256 weights want wider matrices, and the mix of Q4_K_M has layers of both kinds.
WIDE = replace(TINY, n_layers=8, n_hidden=256, n_ffn=512)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("tokenizer"))


@contextmanager
def loaded(path: Path, *, vocab_only: bool = False) -> Iterator[Any]:
    parameters = llama_cpp.llama_model_default_params()
    parameters.vocab_only = vocab_only
    # ggml's AMX kernels crash on some machines (ggml-org/llama.cpp#20824); what is tested here is the file.
    parameters.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    assert model, f"llama.cpp does not load {path}"
    try:
        yield model
    finally:
        llama_cpp.llama_model_free(model)


def tokenize(model: Any, text: str) -> list[int]:
    encoded = text.encode()
    tokens = (llama_cpp.llama_token * (len(encoded) + 8))()
    vocabulary = llama_cpp.llama_model_get_vocab(model)
    n = llama_cpp.llama_tokenize(vocabulary, encoded, len(encoded), tokens, len(tokens), False, False)
    assert n >= 0
    return list(tokens[:n])


def logits_after(model: Any, tokens: list[int]) -> np.ndarray:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = 64
    parameters.n_threads = parameters.n_threads_batch = 1
    context = llama_cpp.llama_init_from_model(model, parameters)
    try:
        array = (llama_cpp.llama_token * len(tokens))(*tokens)  # the batch only points to it
        assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(tokens))) == 0
        n_vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        return np.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), (n_vocabulary,)).copy()
    finally:
        llama_cpp.llama_free(context)


@pytest.mark.parametrize("file_type", ["f32", "f16", "q8_0", "q4_0", "q4_k_m"])
def test_llama_cpp_runs_it(tokenizer: Path, tmp_path: Path, file_type: FileType) -> None:
    path = tmp_path / "tiny.gguf"
    shape = WIDE if file_type == "q4_k_m" else TINY
    write_random_model(path, shape, to_vocabulary(tokenizer), file_type=file_type)
    with loaded(path) as model:
        assert llama_cpp.llama_model_n_ctx_train(model) == shape.n_context
        assert llama_cpp.llama_model_n_layer(model) == shape.n_layers
        assert llama_cpp.llama_model_n_head_kv(model) == shape.n_kv_heads
        after_one, after_two = logits_after(model, [1, 300]), logits_after(model, [1, 301])
    assert np.isfinite(after_one).all()
    assert 0.2 < after_one.std() < 5
    assert not np.allclose(after_one, after_two), "the context must matter"


@pytest.mark.parametrize("add_space_prefix", [True, False, None])
@pytest.mark.parametrize("sentinel_type", [TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.NORMAL])
def test_tokenizer_metadata(
    tokenizer: Path, tmp_path: Path, sentinel_type: TokenType, add_space_prefix: bool | None
) -> None:
    path = tmp_path / "tiny.gguf"
    vocabulary = to_vocabulary(tokenizer, sentinel_type=sentinel_type, add_space_prefix=add_space_prefix)
    write_random_model(path, TINY, vocabulary)

    fields = GGUFReader(path).fields
    types = fields["tokenizer.ggml.token_type"].contents()
    assert fields["tokenizer.ggml.tokens"].contents() == list(vocabulary.pieces)
    assert [types[i] for i in AIXCODER_SENTINELS] == [sentinel_type] * len(AIXCODER_SENTINELS)
    assert [types[i] for i in (0, 1, 2, 3, 258, 266)] == [2, 3, 3, 6, 6, 1]
    prefix = fields.get("tokenizer.ggml.add_space_prefix")
    assert (prefix.contents() if prefix else None) == add_space_prefix

    with loaded(path, vocab_only=True) as model:
        has_dummy = tokenize(model, "x") != tokenize(model, "\nx")[1:]
        assert has_dummy == (add_space_prefix is not False)


def test_llama_cpp_and_sentencepiece_agree(tokenizer: Path, tmp_path: Path) -> None:
    import sentencepiece

    path = tmp_path / "tiny.gguf"
    write_random_model(path, TINY, to_vocabulary(tokenizer))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    with loaded(path, vocab_only=True) as model:
        for text in ["def f(self):\n    return 12", "  two\n\n\ttab\r\n", "é🙂 ☺", "a" * 40, " " * 40 + "x"]:
            assert tokenize(model, text) == processor.encode(text)


def test_layout_of_the_sentencepiece_model(tokenizer: Path) -> None:
    vocabulary = to_vocabulary(tokenizer)
    assert len(vocabulary.pieces) == N_PIECES
    assert vocabulary.pieces[:3] == ("<unk>", "<s>", "</s>")
    assert vocabulary.pieces[3 + ord("\n")] == "<0x0A>"
    assert {i: vocabulary.pieces[i] for i in AIXCODER_SENTINELS} == AIXCODER_SENTINELS
    assert {"▁", "▁▁", "▁▁▁▁", "▁▁▁▁▁▁▁▁"} <= set(vocabulary.pieces)


def test_same_arguments_same_bytes(tokenizer: Path, tmp_path: Path) -> None:
    vocabulary = to_vocabulary(tokenizer)
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    write_random_model(one, TINY, vocabulary, seed=7)
    write_random_model(same, TINY, vocabulary, seed=7)
    write_random_model(other, TINY, vocabulary, seed=8)
    assert one.read_bytes() == same.read_bytes()
    assert one.read_bytes() != other.read_bytes()


def test_weights_have_the_standard_deviation_asked_for(tmp_path: Path) -> None:
    for file_type in ("f32", "f16", "q8_0", "q4_0", "q4_k_m"):
        path = tmp_path / f"{file_type}.gguf"
        write_random_model(path, WIDE, synthetic_vocabulary(1000), file_type=file_type)
        tensors = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
        for name in ("token_embd.weight", "output.weight"):  # of Q4_K_M, the second has six bits
            weights = dequantize(tensors[name].data, tensors[name].tensor_type)
            assert weights.shape == (1000, WIDE.n_hidden)
            assert weights.std() == pytest.approx(WIDE.init_std, rel=0.02)
            assert weights.mean() == pytest.approx(0, abs=WIDE.init_std * 0.02)


@pytest.mark.parametrize(
    ("n_ffn", "names"),
    [(512, {"F32", "Q4_K", "Q6_K"}), (480, {"F32", "Q4_K", "Q6_K", "Q5_0", "Q8_0"})],  # as aiXcoder-7B has it
)
def test_mix_of_q4_k_m(tmp_path: Path, n_ffn: int, names: set[str]) -> None:
    """The formats of the tensors are those that llama.cpp's own quantiser chooses."""
    shape = replace(WIDE, n_ffn=n_ffn)
    drawn, plain, quantised = (tmp_path / f"{name}.gguf" for name in ("drawn", "plain", "quantised"))
    write_random_model(drawn, shape, synthetic_vocabulary(300), file_type="q4_k_m")
    write_random_model(plain, shape, synthetic_vocabulary(300), file_type="f16")
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
    assert llama_cpp.llama_model_quantize(str(plain).encode(), str(quantised).encode(), parameters) == 0
    ours, theirs = ({each.name: each.tensor_type for each in GGUFReader(path).tensors} for path in (drawn, quantised))
    assert ours == theirs
    assert names == {each.name for each in theirs.values()}
    with loaded(drawn):
        pass
    tensors = {tensor.name: tensor for tensor in GGUFReader(drawn).tensors}
    for name in ("blk.0.ffn_down.weight", "blk.1.ffn_down.weight"):  # which have more bits and less of them
        weights = dequantize(tensors[name].data, tensors[name].tensor_type)
        assert weights.std() == pytest.approx(shape.init_std, rel=0.02)


def test_byte_level_vocabulary(tmp_path: Path) -> None:
    # GPT-2's alphabet for bytes: printable ones stand for themselves, a blank is Ġ and a newline Ċ.
    alphabet = [*map(chr, range(ord("!"), ord("~") + 1)), "Ġ", "Ċ"]
    pieces = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", *alphabet, "in", "Ġin")
    vocabulary = Vocabulary(
        model="gpt2",
        pieces=pieces,
        types=(*[TokenType.CONTROL] * 4, *[TokenType.NORMAL] * (len(pieces) - 4)),
        merges=("i n", "Ġ in"),
        pre="starcoder",
        eos_id=0,
        metadata={
            "tokenizer.ggml.fim_pre_token_id": 1,
            "general.name": "tiny",
            "tokenizer.ggml.add_eos_token": False,
        },
    )
    path = tmp_path / "tiny.gguf"
    write_random_model(path, TINY, vocabulary)
    with loaded(path) as model:
        assert [pieces[i] for i in tokenize(model, "in in\nx")] == ["in", "Ġin", "Ċ", "x"]
        assert llama_cpp.llama_vocab_fim_pre(llama_cpp.llama_model_get_vocab(model)) == 1


def test_synthetic_vocabulary(tmp_path: Path) -> None:
    vocabulary = synthetic_vocabulary(49152)
    assert len(vocabulary.pieces) == 49152
    assert {i: vocabulary.pieces[i] for i in AIXCODER_SENTINELS} == AIXCODER_SENTINELS
    path = tmp_path / "small.gguf"
    write_random_model(path, replace(TINY, n_layers=1), vocabulary)
    code = "    def total(self, items):\n        return sum(item.price for item in items)\n"
    with loaded(path, vocab_only=True) as model:
        tokens = tokenize(model, code)
    assert len(code) / len(tokens) > 2
    assert "".join(vocabulary.pieces[i] for i in tokens).replace("▁", " ").replace("<0x0A>", "\n") == " " + code


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        write_random_model(tmp_path / "x.gguf", replace(TINY, n_ffn=33), synthetic_vocabulary(300), file_type="q8_0")
    assert list(tmp_path.iterdir()) == []


def test_vocabulary_refuses_what_does_not_fit() -> None:
    one = (TokenType.NORMAL,)
    with pytest.raises(ValueError, match="differ"):
        Vocabulary("llama", ("a", "a"), one * 2, (0.0, 0.0))
    with pytest.raises(ValueError, match="2 pieces but 1 types"):
        Vocabulary("llama", ("a", "b"), one, (0.0, 0.0))
    with pytest.raises(ValueError, match="1 pieces but 0 scores"):
        Vocabulary("llama", ("a",), one)
