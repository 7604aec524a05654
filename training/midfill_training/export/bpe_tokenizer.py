"""A byte-level BPE `tokenizer.json` as a GGUF vocabulary, with the pre-tokenizer found by trying.

How text is split before merging is a regular expression in tokenizer.json and a name in a GGUF. A wrong name is silent
and costs quality, so each name llama.cpp knows is tried against the original tokenizer on a sample of code, and only
one without any difference is written.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from midfill_model.files.random_model import TokenType, Vocabulary
from midfill_training.errors import BadCheckpoint, TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.checkpoint import read_json
from midfill_training.export.llama_process import Trial, tokenizer_trials
from midfill_training.export.sample_code import sample_texts
from midfill_training.export.spm_tokenizer import describe_mismatch
from midfill_training.export.vocabulary import with_markers
from midfill_training.export.writer import write_vocabulary_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
PRE = "tokenizer.ggml.pre"
MAX_MARKERS_TRIED = 12
N_ROWS, PIECES_IN_A_ROW = 400, 12
# One name for each way of splitting in llama.cpp; code models first, because they are tried in this order.
LIKELY = ("smollm", "qwen2", "starcoder", "llama-bpe", "deepseek-coder", "deepseek-llm", "gpt-2", "refact", "command-r")
OTHERS = (
    *("default", "deepseek-v3", "mellum2", "seed-coder", "codeshell", "gpt-4o", "tekken", "falcon", "mpt", "olmo"),
    *("stablelm2", "dbrx", "smaug-bpe", "poro-chat", "chatglm-bpe", "glm4", "viking", "jais", "jais-2", "bloom"),
    *("gpt3-finnish", "exaone", "exaone-moe", "chameleon", "minerva-7b", "qwen35", "superbpe", "trillion"),
    *("granite-docling", "bailingmoe", "hunyuan", "hunyuan-dense", "kimi-k2", "grok-2", "afmoe", "minimax-m2"),
    *("solar-open", "youtu", "joyai-llm", "laguna", "tiny_aya", "minicpm5", "spark2_5", "hy_v4", "ufakzeka"),
)


@dataclass(frozen=True)
class BpeVocabulary:
    """The vocabulary with `pre` set, and every name that fits it as well."""

    vocabulary: Vocabulary
    fitting: tuple[str, ...]


def read_bpe_vocabulary(
    folder: Path, ids: Mapping[str, int | bool | None], fim: tuple[str, str, str] | None = None
) -> BpeVocabulary:
    """The vocabulary of `folder/tokenizer.json`.

    `ids` has add_bos, and bos_id and eos_id where the checkpoint says them. Raises BadCheckpoint for a damaged file,
    UnsupportedCheckpoint for other kinds of tokenizer.json and TokenizerMismatch when no pre-tokenizer fits.
    """
    path = folder / FILE
    table = read_json(path)
    _check_kind(path, table)
    original = _original(path)
    vocabulary = with_markers(_plain(path, table), fim)
    vocabulary = replace(
        vocabulary,
        bos_id=_optional(ids.get("bos_id")),
        eos_id=_optional(ids.get("eos_id")),
        add_bos=bool(ids["add_bos"]),
        add_space_prefix=False,
    )
    fitting = _fitting_names(path, original, vocabulary)
    return BpeVocabulary(replace(vocabulary, pre=fitting[0]), fitting)


def adds_bos(folder: Path, bos_id: int | None) -> bool:
    """Whether `folder/tokenizer.json` puts BOS in front of a text by itself."""
    encoded: list[int] = _original(folder / FILE).encode("a", add_special_tokens=True).ids
    return len(encoded) > 1 and encoded[0] == bos_id


def _optional(value: int | bool | None) -> int | None:
    return None if value is None else int(value)


def _check_kind(path: Path, table: Mapping[str, Any]) -> None:
    model = table.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict) or "merges" not in model:
        raise UnsupportedCheckpoint(f"{path}: not a BPE tokenizer; BPE and SentencePiece BPE can be converted")
    if model.get("byte_fallback") or '"ByteLevel"' not in str(table.get("pre_tokenizer")).replace("'", '"'):
        raise UnsupportedCheckpoint(
            f"{path}: not a byte-level BPE but of SentencePiece's kind; put its tokenizer.model beside it"
        )


def _original(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise BadCheckpoint(f"{path}: cannot be read: {error}") from error


def _plain(path: Path, table: Mapping[str, Any]) -> Vocabulary:
    """Pieces by id; added tokens that are not special are still matched as a whole (USER_DEFINED)."""
    pieces = {int(token): str(piece) for piece, token in table["model"]["vocab"].items()}
    types = dict.fromkeys(pieces, TokenType.NORMAL)
    for added in table.get("added_tokens", ()):
        pieces[added["id"]] = added["content"]
        types[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    n_pieces = max(pieces) + 1
    merges = (merge if isinstance(merge, str) else " ".join(merge) for merge in table["model"]["merges"])
    try:
        return Vocabulary(
            model="gpt2",
            pieces=tuple(pieces.get(token, f"[PAD{token}]") for token in range(n_pieces)),
            types=tuple(types.get(token, TokenType.UNUSED) for token in range(n_pieces)),
            merges=tuple(merges),
        )
    except ValueError as error:
        raise BadCheckpoint(f"{path}: {error}") from error


def _fitting_names(path: Path, original: Tokenizer, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The names under which llama.cpp agrees with the original on every text, the likeliest first."""
    texts = [*sample_texts(), *_texts_with_markers(vocabulary), *_texts_of_pieces(original, vocabulary)]
    expected = [original.encode(text, add_special_tokens=False).ids for text in texts]
    tried: list[Trial] = []
    with TemporaryDirectory(prefix="midfill-") as folder:
        gguf = write_vocabulary_file(Path(folder) / "vocabulary.gguf", replace(vocabulary, pre="gpt-2"))
        for names in (LIKELY, OTHERS):
            tried += tokenizer_trials(gguf, {name: {PRE: name} for name in names}, texts, expected)
            fitting = tuple(trial.name for trial in tried if not trial.n_wrong)
            if fitting:
                return fitting
    closest = min(tried, key=lambda trial: trial.n_wrong)
    raise TokenizerMismatch(
        f"{path}: none of llama.cpp's {len(tried)} pre-tokenizers reproduces this tokenizer. With the closest, "
        f"{closest.name}, {describe_mismatch(closest, texts, expected)}. Train with a pre-tokenizer of llama.cpp's "
        "(for code: single digits, then ByteLevel, which is smollm)"
    )


def _texts_of_pieces(original: Tokenizer, vocabulary: Vocabulary) -> list[str]:
    """Random rows of the vocabulary's own ASCII pieces: what it has learned to merge is what splits must not cut.

    ASCII alone, because llama.cpp's classes of rarer characters are not always those of the original.
    """
    plain = [token for token, kind in enumerate(vocabulary.types) if kind == TokenType.NORMAL]
    decoded = (text for text in original.decode_batch([[token] for token in plain]) if text.isascii())
    pieces = sorted({text for text in decoded if text.isprintable() or text.isspace()})
    rng = random.Random(0)
    return ["".join(rng.choices(pieces, k=PIECES_IN_A_ROW)) for _ in range(N_ROWS)] if pieces else []


def _texts_with_markers(vocabulary: Vocabulary) -> list[str]:
    """Markers inside of code, as prompts have them."""
    special = (TokenType.CONTROL, TokenType.USER_DEFINED)
    fim = [vocabulary.pieces[token] for key, token in vocabulary.metadata.items() if isinstance(token, int)]
    added = [piece for piece, kind in zip(vocabulary.pieces, vocabulary.types, strict=True) if kind in special]
    markers = list(dict.fromkeys([*fim, *added]))[:MAX_MARKERS_TRIED]
    return [f"{marker}def f(x):\n    return {marker}x + 1\n{marker}" for marker in markers]
