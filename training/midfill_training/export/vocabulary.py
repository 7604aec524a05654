"""A tokenizer as GGUF metadata: which pieces are markers, what their roles are, and the keys that say so.

Markers are always stored as CONTROL: as anything else llama.cpp would find them in a user's code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from midfill_model.files.random_model import TokenType, Vocabulary
from midfill_model.prompts.formats import BY_NAME
from midfill_training.errors import BadCheckpoint
from midfill_training.export.mapping import Value

# (prefix, suffix, middle) as the families of `midfill_model.prompts.formats` spell them.
FIM_MARKERS = (
    ("▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-POST>", "▁<AIX-SPAN-MIDDLE>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
MARKERS = frozenset(
    piece for known in BY_NAME.values() for piece in (*known.sentinels, *known.stop) if "{" not in piece
)
FIM_KEYS = tuple(f"tokenizer.ggml.fim_{part}_token_id" for part in ("pre", "suf", "mid"))


def with_markers(vocabulary: Vocabulary, fim: tuple[str, str, str] | None = None) -> Vocabulary:
    """The vocabulary with its markers as CONTROL and with FIM ids; `fim` names them where no family is known.

    Raises BadCheckpoint when a piece of `fim` is not in the vocabulary.
    """
    ids = {piece: token for token, piece in enumerate(vocabulary.pieces)}
    missing = [piece for piece in fim or () if piece not in ids]
    if missing:
        raise BadCheckpoint(f"the tokenizer has no piece {missing[0]!r}; --fim-tokens must name pieces it has")
    found = fim or next((names for names in FIM_MARKERS if all(name in ids for name in names)), None)
    control = {ids[piece] for piece in MARKERS | set(found or ()) if piece in ids}
    types = tuple(
        TokenType.CONTROL if token in control and token != vocabulary.unk_id else kind
        for token, kind in enumerate(vocabulary.types)
    )
    metadata = dict(vocabulary.metadata)
    if found:
        metadata |= {key: ids[piece] for key, piece in zip(FIM_KEYS, found, strict=True)}
    return replace(vocabulary, types=types, metadata=metadata)


def padded(vocabulary: Vocabulary, n_vocab: int) -> Vocabulary:
    """The vocabulary with as many pieces as the embedding has rows; raises BadCheckpoint when it has more."""
    n_missing = n_vocab - len(vocabulary.pieces)
    if n_missing < 0:
        raise BadCheckpoint(
            f"the tokenizer has {len(vocabulary.pieces):,} tokens but config.json's vocab_size is {n_vocab:,}; "
            "resize the model's embeddings after adding tokens, then save both"
        )
    fillers = tuple(f"[PAD{token}]" for token in range(n_vocab - n_missing, n_vocab))
    return replace(
        vocabulary,
        pieces=vocabulary.pieces + fillers,
        types=vocabulary.types + (TokenType.UNUSED,) * n_missing,
        scores=vocabulary.scores + (-10_000.0,) * n_missing if vocabulary.scores else (),
    )


def vocabulary_metadata(vocabulary: Vocabulary) -> dict[str, Value]:
    """The GGUF keys of a tokenizer."""
    optional: Mapping[str, Value | None] = {
        "pre": vocabulary.pre,
        "bos_token_id": vocabulary.bos_id,
        "eos_token_id": vocabulary.eos_id,
        "unknown_token_id": vocabulary.unk_id,
        "add_bos_token": vocabulary.add_bos,
        "add_space_prefix": vocabulary.add_space_prefix,
    }
    lists: Mapping[str, Sequence[str] | Sequence[int] | Sequence[float]] = {
        "tokens": vocabulary.pieces,
        "token_type": tuple(int(kind) for kind in vocabulary.types),
        "scores": vocabulary.scores,
        "merges": vocabulary.merges,
    }
    keys: dict[str, Value] = {"model": vocabulary.model}
    keys |= {key: values for key, values in lists.items() if values}
    keys |= {key: value for key, value in optional.items() if value is not None}
    return {f"tokenizer.ggml.{key}": value for key, value in keys.items()} | dict(vocabulary.metadata)
