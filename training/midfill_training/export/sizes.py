"""The sizes that config.json states, checked before anything relies on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midfill_training.errors import BadCheckpoint

MAX_SIZE = 2**31 - 1


@dataclass(frozen=True)
class Sizes:
    """Counts of a decoder. `head` is the width of one attention head."""

    n_layers: int
    n_vocab: int
    hidden: int
    ffn: int
    n_heads: int
    n_kv_heads: int
    head: int
    n_context: int
    is_tied: bool

    def dimension(self, name: str) -> int:
        """The size a tensor table means by "vocab", "hidden", "ffn", "q" (all heads) or "kv" (all KV heads)."""
        return {
            "vocab": self.n_vocab,
            "hidden": self.hidden,
            "ffn": self.ffn,
            "q": self.n_heads * self.head,
            "kv": self.n_kv_heads * self.head,
        }[name]


def read_sizes(config: Mapping[str, Any]) -> Sizes:
    """The sizes in a config.json; raises BadCheckpoint where they are missing or do not fit together."""
    hidden, n_heads = _count(config, "hidden_size"), _count(config, "num_attention_heads")
    n_kv_heads = _count(config, "num_key_value_heads", default=n_heads)
    head = _count(config, "head_dim", default=hidden // n_heads)
    if n_heads % n_kv_heads:
        raise BadCheckpoint(f"config.json: {n_heads} attention heads cannot share {n_kv_heads} key-value heads")
    if head % 2:
        raise BadCheckpoint(f"config.json: RoPE needs an even head size, not {head}")
    return Sizes(
        n_layers=_count(config, "num_hidden_layers"),
        n_vocab=_count(config, "vocab_size"),
        hidden=hidden,
        ffn=_count(config, "intermediate_size"),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head=head,
        n_context=_count(config, "max_position_embeddings"),
        is_tied=bool(config.get("tie_word_embeddings", False)),
    )


def _count(config: Mapping[str, Any], key: str, default: int | None = None) -> int:
    value = config.get(key)
    if value is None:
        value = default
    if type(value) is not int or not 0 < value <= MAX_SIZE:
        raise BadCheckpoint(f"config.json: {key} is {value!r}; it must be a positive number")
    return value
