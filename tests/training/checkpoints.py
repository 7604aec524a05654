"""Tiny random checkpoints as transformers writes them, one per architecture, with tokenizers trained on the sample.

Weights are wide, so that next-token distributions differ from place to place and a wrong row order shows.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from midfill_training.export.sample_code import sample_lines
from model import sentencepiece_model

N_CONTEXT = 512
N_PIECES = 1200
STARCODER_MARKERS = ("<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>")
QWEN_MARKERS = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>")
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": N_CONTEXT,
    "initializer_range": 0.125,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


def code_pre_tokenizer() -> Any:
    """Single digits, then ByteLevel: what llama.cpp calls smollm."""
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def qwen_pre_tokenizer() -> Any:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern=_regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _regex(pattern: str) -> Any:
    from tokenizers import Regex

    return Regex(pattern)


def write_bpe_tokenizer(folder: Path, pre_tokenizer: Any, markers: tuple[str, ...]) -> int:
    """Train a byte-level BPE on the sample; returns how many tokens it has."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=N_PIECES,
        special_tokens=list(markers),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = ["\n".join(lines) for lines in sample_lines().values()]
    texts += [" ".join(f"{number} a{number} {number % 100}" for number in range(1000, 3000, 7))]  # digits merge too
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": markers[0], "eos_token": markers[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return int(tokenizer.get_vocab_size())


def write_llama(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    shard: str = "100MB",
    pre_tokenizer: Any = None,
    **changes: Any,
) -> Path:
    """A Llama, with the code tokenizer if no other is given; `changes` go into its configuration."""
    folder.mkdir(parents=True)
    n_vocab = write_bpe_tokenizer(folder, pre_tokenizer or code_pre_tokenizer(), STARCODER_MARKERS)
    config = transformers.LlamaConfig(**{**SIZES, "vocab_size": n_vocab, "tie_word_embeddings": False, **changes})
    return _save(transformers.LlamaForCausalLM, config, folder, dtype, shard)


def write_qwen2(folder: Path) -> Path:
    """A Qwen2 with tied embeddings and its own way of splitting."""
    folder.mkdir(parents=True)
    n_vocab = write_bpe_tokenizer(folder, qwen_pre_tokenizer(), QWEN_MARKERS)
    config = transformers.Qwen2Config(**SIZES, vocab_size=n_vocab, tie_word_embeddings=True)
    return _save(transformers.Qwen2ForCausalLM, config, folder, torch.float32, "100MB")


def write_starcoder2(folder: Path, *, sliding_window: int | None = None) -> Path:
    """A StarCoder2: layer norms with bias, biases everywhere, tied embeddings."""
    folder.mkdir(parents=True)
    n_vocab = write_bpe_tokenizer(folder, code_pre_tokenizer(), STARCODER_MARKERS)
    config = transformers.Starcoder2Config(
        **SIZES, vocab_size=n_vocab, tie_word_embeddings=True, use_bias=True, sliding_window=sliding_window
    )
    return _save(transformers.Starcoder2ForCausalLM, config, folder, torch.float32, "100MB")


def _save(model_class: Any, config: Any, folder: Path, dtype: torch.dtype, shard: str) -> Path:
    torch.manual_seed(0)
    model = model_class(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:  # norms and biases are ones and zeros by default, which hides mistakes
                parameter.add_(torch.randn_like(parameter) * (0.1 if "norm" in name else 0.5))
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    return folder


def write_aixcoder(folder: Path, tokenizer_model: Path) -> Path:
    """A Llama with a SentencePiece tokenizer of aixcoder's layout, and its RoPE base."""
    folder.mkdir(parents=True)
    shutil.copy(tokenizer_model, folder / "tokenizer.model")
    config = transformers.LlamaConfig(
        **{**SIZES, "bos_token_id": 1, "eos_token_id": 2},
        vocab_size=sentencepiece_model.N_PIECES,
        tie_word_embeddings=False,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 256_000.0},
    )
    return _save(transformers.LlamaForCausalLM, config, folder, torch.float32, "100MB")


def write_megatron(checkpoint: Path, path: Path) -> Path:
    """The weights of a Llama checkpoint in the layout of aiXcoder's original file."""
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    weights, config = model.state_dict(), model.config
    n_shared = config.num_attention_heads // config.num_key_value_heads
    stored = {
        "tok_embeddings.weight": weights["model.embed_tokens.weight"],
        "norm.weight": weights["model.norm.weight"],
        "output.weight": weights["lm_head.weight"],
    }
    for layer in range(config.num_hidden_layers):
        at, to = f"model.layers.{layer}.", f"layers.{layer}."
        q, k, v = (weights[f"{at}self_attn.{part}_proj.weight"] for part in "qkv")
        heads_of_q = q.reshape(config.num_key_value_heads, n_shared, -1, config.hidden_size)
        heads_of_k, heads_of_v = (w.reshape(config.num_key_value_heads, 1, -1, config.hidden_size) for w in (k, v))
        fused = torch.cat([heads_of_q, heads_of_k, heads_of_v], dim=1)
        stored[f"{to}attention.query_key_value.weight"] = fused.reshape(-1, config.hidden_size).contiguous()
        stored[f"{to}attention.wo.weight"] = weights[f"{at}self_attn.o_proj.weight"]
        stored[f"{to}attention_norm.weight"] = weights[f"{at}input_layernorm.weight"]
        stored[f"{to}ffn_norm.weight"] = weights[f"{at}post_attention_layernorm.weight"]
        for theirs, ours in (("w1", "gate"), ("w2", "down"), ("w3", "up")):
            stored[f"{to}feed_forward.{theirs}.weight"] = weights[f"{at}mlp.{ours}_proj.weight"]
    torch.save({"iteration": 7, "model": {"llama_model": stored}}, path)
    return path


def write_adapter(checkpoint: Path, folder: Path, **changes: Any) -> Path:
    """A LoRA adapter of PEFT over all matrices, with random weights that change the output visibly."""
    adapted = _with_adapter(checkpoint, **changes)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.1)
    adapted.save_pretrained(folder)
    return folder


def train_adapter(checkpoint: Path, folder: Path, lines: Sequence[str]) -> Path:
    """A LoRA adapter that PEFT really trained, until it knows `lines` by heart, or nearly."""
    torch.manual_seed(2)
    adapted = _with_adapter(checkpoint)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    ids = tokenizer("\n".join(lines), return_tensors="pt").input_ids
    optimizer = torch.optim.AdamW((p for p in adapted.parameters() if p.requires_grad), lr=1e-2)
    loss = torch.tensor(math.inf)
    for _ in range(100):
        loss = adapted(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1.0
    adapted.save_pretrained(folder)
    return folder


def _with_adapter(checkpoint: Path, **changes: Any) -> Any:
    import peft

    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    settings = {"r": 8, "lora_alpha": 16, "target_modules": targets, "task_type": "CAUSAL_LM", **changes}
    return peft.get_peft_model(model, peft.LoraConfig(**settings))
