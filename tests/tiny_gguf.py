"""A GGUF of a few kilobytes with random weights: complete enough for every check of the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter

TOKENS = ("<unk>", "<s>", "</s>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "a", "b")
TYPES = (2, 3, 3, 3, 3, 3, 1, 1)
N_EMBD, N_HEADS, N_KV_HEADS, N_LAYERS, N_CTX = 32, 4, 2, 2, 256
KV_BYTES_PER_TOKEN = N_LAYERS * N_KV_HEADS * 2 * (N_EMBD // N_HEADS) * 2


def write_tiny_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    tokenizer: str | None = "gpt2",
    tokens: Sequence[str] = TOKENS,
    token_types: Sequence[int] = TYPES,
    n_layers: int = N_LAYERS,
    kv_heads: int | Sequence[int] = N_KV_HEADS,
    extra_uint32: Mapping[str, int] | None = None,
    general_type: str | None = None,
    with_tensors: bool = True,
    seed: int = 0,
) -> Path:
    """Write the model to `path` and return it; `extra_uint32` are further metadata keys."""
    writer = GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_license("apache-2.0")
    writer.add_context_length(N_CTX)
    writer.add_block_count(n_layers)
    writer.add_embedding_length(N_EMBD)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(kv_heads)
    if general_type is not None:
        writer.add_type(general_type)
    if tokenizer is not None:
        writer.add_tokenizer_model(tokenizer)
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(list(tokens))
        writer.add_token_types(list(token_types))
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
    for key, value in (extra_uint32 or {}).items():
        writer.add_uint32(key, value)
    if with_tensors:
        rng = np.random.default_rng(seed)
        writer.add_tensor("token_embd.weight", rng.standard_normal((len(tokens), N_EMBD)).astype(np.float16))
        writer.add_tensor("output_norm.weight", np.ones(N_EMBD, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
