"""The tokenizer of a GGUF as the files transformers reads: tokenizer.model, or tokenizer.json.

How a pre-tokenizer's name splits text is known for the code models' names below; what is written is compared with
llama.cpp on the sample of code before it counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midfill_model.files.gguf_layout import STRING, Layout, Stored, read_numbers, read_strings
from midfill_model.files.random_model import TokenType
from midfill_training.errors import BadCheckpoint, TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.llama_process import tokenise
from midfill_training.export.sample_code import sample_texts
from midfill_training.export.sentencepiece_proto import Piece, serialise_bpe_model

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
_SINGLE_DIGITS = [{"type": "Digits", "individual_digits": True}, {**BYTE_LEVEL, "use_regex": True}]
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def _split(regex: str) -> list[dict[str, Any]]:
    split = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return [split, {**BYTE_LEVEL, "use_regex": False}]


# Published tokenizer.json files of these families split this way.
PRE_TOKENIZERS: Mapping[str, list[dict[str, Any]]] = {
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r"), _SINGLE_DIGITS),
    "gpt-2": [{**BYTE_LEVEL, "use_regex": True}],
    "mellum": [{**BYTE_LEVEL, "use_regex": True}],
    "qwen2": _split(_QWEN),
    "llama-bpe": _split(_LLAMA3),
}


def write_tokenizer(layout: Layout, folder: Path) -> None:
    """Write the tokenizer of the GGUF to `folder`.

    Raises UnsupportedCheckpoint for kinds and pre-tokenizers that are not known here, TokenizerMismatch when what was
    written does not tokenise as llama.cpp does; then --tokenizer takes the original files.
    """
    pieces = [piece.decode(errors="replace") for piece in read_strings(layout, _list(layout, "tokens", STRING))]
    types = [int(kind) for kind in read_numbers(layout, _list(layout, "token_type"))]
    kind = layout.values.get("tokenizer.ggml.model")
    if kind == "llama":
        scores = read_numbers(layout, _list(layout, "scores"))
        written = [Piece(text, score, number) for text, score, number in zip(pieces, scores, types, strict=True)]
        (folder / "tokenizer.model").write_bytes(serialise_bpe_model(written))
    elif kind == "gpt2":
        merges = [merge.decode(errors="replace") for merge in read_strings(layout, _list(layout, "merges", STRING))]
        table = _bpe_table(layout, pieces, types, merges)
        (folder / "tokenizer.json").write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    else:
        raise UnsupportedCheckpoint(f"{layout.path}: tokenizer {kind!r} cannot be written; pass --tokenizer FOLDER")
    settings = _settings(layout, pieces, types, is_spm=kind == "llama")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    _prove(layout, folder, is_spm=kind == "llama")


def _list(layout: Layout, key: str, kind: int | None = None) -> Stored:
    stored = layout.values.get(f"tokenizer.ggml.{key}")
    if not isinstance(stored, Stored) or (kind is not None and stored.kind != kind):
        raise BadCheckpoint(f"{layout.path}: the metadata has no tokenizer.ggml.{key}; pass --tokenizer FOLDER")
    return stored


def _bpe_table(layout: Layout, pieces: list[str], types: list[int], merges: list[str]) -> dict[str, Any]:
    pre = layout.values.get("tokenizer.ggml.pre")
    if pre not in PRE_TOKENIZERS:
        raise UnsupportedCheckpoint(
            f"{layout.path}: how pre-tokenizer {pre!r} splits is not known here; pass --tokenizer FOLDER with the "
            "original tokenizer.json"
        )
    added = [token for token, kind in enumerate(types) if kind in (TokenType.CONTROL, TokenType.USER_DEFINED)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": token, "content": pieces[token], "special": types[token] == TokenType.CONTROL, **_EXACT}
            for token in added
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[str(pre)]},
        "post_processor": None,
        "decoder": BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": pre == "llama-bpe",
            "vocab": {piece: token for token, piece in enumerate(pieces)},
            "merges": [merge.split(" ", 1) for merge in merges],
        },
    }


_EXACT = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


def _settings(layout: Layout, pieces: list[str], types: list[int], *, is_spm: bool) -> dict[str, Any]:
    def piece(name: str) -> str | None:
        token = layout.values.get(f"tokenizer.ggml.{name}_token_id")
        return pieces[token] if isinstance(token, int) and token < len(pieces) else None

    special = {
        str(token): {"content": text, "special": True, **_EXACT}
        for token, text in enumerate(pieces)
        if types[token] == TokenType.CONTROL
    }
    settings = {
        "tokenizer_class": "LlamaTokenizer" if is_spm else "PreTrainedTokenizerFast",
        "bos_token": piece("bos"),
        "eos_token": piece("eos"),
        "unk_token": piece("unknown"),
        "add_bos_token": layout.values.get("tokenizer.ggml.add_bos_token"),
        "added_tokens_decoder": special,
        "clean_up_tokenization_spaces": False,
    }
    return {key: value for key, value in settings.items() if value is not None}


def _prove(layout: Layout, folder: Path, *, is_spm: bool) -> None:
    texts = list(sample_texts())
    if is_spm:
        import sentencepiece

        library = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        written = [library.encode(text) for text in texts]
        space = "" if layout.values.get("tokenizer.ggml.add_space_prefix", True) else " "
        found = tokenise(layout.path, [space + text for text in texts], special=False)
    else:
        from tokenizers import Tokenizer

        original = Tokenizer.from_file(str(folder / "tokenizer.json"))
        written = [original.encode(text, add_special_tokens=False).ids for text in texts]
        found = tokenise(layout.path, texts, special=True)
    wrong = [at for at, (a, b) in enumerate(zip(written, found, strict=True)) if a != b]
    if wrong:
        raise TokenizerMismatch(
            f"{layout.path}: the tokenizer cannot be rebuilt; {len(wrong):,} of {len(texts):,} sample texts differ, "
            f"first {texts[wrong[0]][:80]!r}; pass --tokenizer FOLDER with the original one"
        )
