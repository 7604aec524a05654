"""Shapes of models as data: the table `[model]` of a settings file, in the words of config.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from midfill_training.errors import BadInput

if TYPE_CHECKING:
    from transformers import LlamaConfig


@dataclass(frozen=True)
class ModelShape:
    """A Llama. The defaults are those of `tiny`: small enough for two cores, rows of whole 256-weight blocks."""

    vocab_size: int = 0  # 0: as many as the tokenizer has
    hidden_size: int = 256
    intermediate_size: int = 768
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    max_position_embeddings: int = 1024
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10_000.0
    tie_word_embeddings: bool = True
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0 or (value == 0 and name not in ("vocab_size", "tie_word_embeddings")):
                raise BadInput(f"model.{name} is {value}; it must be positive")
        if self.hidden_size % self.num_attention_heads or self.num_attention_heads % self.num_key_value_heads:
            raise BadInput("model: num_attention_heads must divide hidden_size, num_key_value_heads must divide them")


def llama_config(shape: ModelShape, n_tokens: int, *, bos: int | None, eos: int | None) -> LlamaConfig:
    """The configuration for a tokenizer of `n_tokens`; BadInput when it has more than the shape."""
    from transformers import LlamaConfig

    if 0 < shape.vocab_size < n_tokens:
        raise BadInput(f"the tokenizer has {n_tokens:,} tokens, model.vocab_size {shape.vocab_size:,}; raise it")
    values: dict[str, Any] = asdict(shape)
    theta = values.pop("rope_theta")
    values["vocab_size"] = shape.vocab_size or n_tokens
    rope = {"rope_type": "default", "rope_theta": theta}
    return LlamaConfig(**values, rope_parameters=rope, bos_token_id=bos, eos_token_id=eos)
