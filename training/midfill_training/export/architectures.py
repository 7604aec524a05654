"""Which checkpoints can be converted: one row per architecture, one row per tensor. Everything else is refused by name.

`shape` names the sizes of config.json (`sizes.Sizes.dimension`); `{}` stands for the layer. `rope` marks the tensors
whose rows llama.cpp's graph of that architecture expects in another order (`tensor_plan.rope_rows`): its Llama rotates
neighbouring rows, where Hugging Face rotates halves; its Qwen2 and StarCoder2 rotate halves as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Bias = Literal["never", "always", "maybe"]


@dataclass(frozen=True)
class TensorRow:
    """A tensor under both of its names. `rope` is "heads" or "kv_heads" where rows are put into another order."""

    gguf: str
    hf: str
    shape: str
    rope: Literal["", "heads", "kv_heads"] = ""
    bias: Bias = "never"
    required: bool = True


@dataclass(frozen=True)
class Architecture:
    """`tensors` of one architecture; `norm_eps` is (its key in the GGUF, its key in config.json).

    `must_be` lists values of config.json that llama.cpp's graph of the architecture takes for granted. `window` is the
    key of a sliding window that its graph does not have: up to that many tokens both compute the same.
    """

    gguf: str
    class_names: tuple[str, ...]
    tensors: tuple[TensorRow, ...]
    norm_eps: tuple[str, str]
    must_be: Mapping[str, tuple[object, ...]]
    writes_rope_size: bool = False
    window: str = ""

    def rows(self, n_layers: int) -> Iterator[TensorRow]:
        """All tensors of a model with so many layers, biases as rows of their own, in the order of the file."""
        for row in self.tensors:
            if "{}" not in row.gguf:
                yield from _with_bias(row)
        for layer in range(n_layers):
            for row in self.tensors:
                if "{}" in row.gguf:
                    yield from _with_bias(replace(row, gguf=row.gguf.format(layer), hf=row.hf.format(layer)))


def _with_bias(row: TensorRow) -> Iterator[TensorRow]:
    yield replace(row, gguf=row.gguf + ".weight", hf=row.hf + ".weight", bias="never")
    if row.bias != "never":
        yield replace(
            row,
            gguf=row.gguf + ".bias",
            hf=row.hf + ".bias",
            shape=row.shape.split()[0],
            bias="never",
            required=row.bias == "always",
        )


# The output head is absent where it is tied to the embedding; the conversion knows.
_OUTSIDE = (
    TensorRow("token_embd", "model.embed_tokens", "vocab hidden"),
    TensorRow("output", "lm_head", "vocab hidden", required=False),
)
_GATED_FFN = (
    TensorRow("blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj", "ffn hidden"),
    TensorRow("blk.{}.ffn_up", "model.layers.{}.mlp.up_proj", "ffn hidden"),
    TensorRow("blk.{}.ffn_down", "model.layers.{}.mlp.down_proj", "hidden ffn"),
)


def _norms(bias: Bias) -> tuple[TensorRow, ...]:
    return (
        TensorRow("output_norm", "model.norm", "hidden", bias=bias),
        TensorRow("blk.{}.attn_norm", "model.layers.{}.input_layernorm", "hidden", bias=bias),
        TensorRow("blk.{}.ffn_norm", "model.layers.{}.post_attention_layernorm", "hidden", bias=bias),
    )


def _attention(*, qkv_bias: Bias, output_bias: Bias, rope: bool) -> tuple[TensorRow, ...]:
    at = "model.layers.{}.self_attn."
    return (
        TensorRow("blk.{}.attn_q", at + "q_proj", "q hidden", "heads" if rope else "", qkv_bias),
        TensorRow("blk.{}.attn_k", at + "k_proj", "kv hidden", "kv_heads" if rope else "", qkv_bias),
        TensorRow("blk.{}.attn_v", at + "v_proj", "kv hidden", bias=qkv_bias),
        TensorRow("blk.{}.attn_output", at + "o_proj", "hidden q", bias=output_bias),
    )


LLAMA = Architecture(
    gguf="llama",
    class_names=("LlamaForCausalLM",),
    tensors=(
        *_OUTSIDE,
        *_norms("never"),
        *_attention(qkv_bias="maybe", output_bias="maybe", rope=True),
        *(replace(row, bias="maybe") for row in _GATED_FFN),
    ),
    norm_eps=("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    must_be={"hidden_act": ("silu", "swish")},
    writes_rope_size=True,
)
QWEN2 = Architecture(
    gguf="qwen2",
    class_names=("Qwen2ForCausalLM",),
    tensors=(
        *_OUTSIDE,
        *_norms("never"),
        *_attention(qkv_bias="always", output_bias="never", rope=False),
        *_GATED_FFN,
    ),
    norm_eps=("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    must_be={"hidden_act": ("silu", "swish"), "use_sliding_window": (False, None)},
)
STARCODER2 = Architecture(
    gguf="starcoder2",
    class_names=("Starcoder2ForCausalLM",),
    tensors=(
        *_OUTSIDE,
        *_norms("always"),
        *_attention(qkv_bias="maybe", output_bias="maybe", rope=False),
        TensorRow("blk.{}.ffn_up", "model.layers.{}.mlp.c_fc", "ffn hidden", bias="always"),
        TensorRow("blk.{}.ffn_down", "model.layers.{}.mlp.c_proj", "hidden ffn", bias="always"),
    ),
    norm_eps=("attention.layer_norm_epsilon", "norm_epsilon"),
    must_be={"hidden_act": ("gelu_pytorch_tanh", "gelu_new")},
    window="sliding_window",
)

ARCHITECTURES = (LLAMA, QWEN2, STARCODER2)
BY_CLASS_NAME = {name: architecture for architecture in ARCHITECTURES for name in architecture.class_names}
BY_GGUF_NAME = {architecture.gguf: architecture for architecture in ARCHITECTURES}
