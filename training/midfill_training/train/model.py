"""The model to train: from a shape with fresh weights, from a checkpoint, or from a GGUF; and how it is written."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from midfill_training.errors import BadInput
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.mapping import find_architecture
from midfill_training.export.restore import restore
from midfill_training.export.tokenizer import copy_tokenizer
from midfill_training.train.attention import register
from midfill_training.train.settings import Lora
from midfill_training.train.shapes import ModelShape, llama_config


@dataclass(frozen=True)
class Model:
    """`causal` computes; with LoRA, `adapter` is the PeftModel around it. `tokenizer` is the folder it came with."""

    causal: Any
    tokenizer: Path
    adapter: Any = None

    @property
    def n_vocab(self) -> int:
        """How many tokens it knows."""
        return int(self.causal.config.vocab_size)

    @property
    def n_parameters(self) -> int:
        """Weights, tied ones counted once."""
        return sum(parameter.numel() for parameter in self.causal.parameters())

    def write(self, folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
        """A checkpoint of transformers, or an adapter of PEFT; `weights` are named as in `causal`."""
        if self.adapter is not None:
            prefixed = {f"base_model.model.{name}": tensor for name, tensor in weights.items()}
            self.adapter.save_pretrained(folder, state_dict=prefixed)
        else:
            is_tied = self.causal.config.tie_word_embeddings
            kept = {name: value for name, value in weights.items() if not (is_tied and name == "lm_head.weight")}
            self.causal.save_pretrained(folder, state_dict=kept)
        copy_tokenizer(self.tokenizer, folder)


def fresh_model(shape: ModelShape, tokenizer: Path, seed: int) -> Model:
    """Random weights; BadInput when the tokenizer cannot be read, or has more tokens than the shape."""
    from transformers import AutoTokenizer, LlamaForCausalLM

    try:
        found = AutoTokenizer.from_pretrained(tokenizer)
    except Exception as error:  # whatever its parsers raise
        raise BadInput(f"{tokenizer}: the tokenizer cannot be read: {error}") from error
    config = llama_config(shape, len(found), bos=found.bos_token_id, eos=found.eos_token_id)
    config._attn_implementation = register()
    torch.manual_seed(seed)
    return Model(LlamaForCausalLM(config), tokenizer)


def load_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> Model:
    """The checkpoint in a folder; raises what `open_checkpoint` and `find_architecture` raise."""
    from transformers import AutoModelForCausalLM

    find_architecture(open_checkpoint(folder))  # says what is wrong with a checkpoint better than transformers does
    causal = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=register())
    return Model(causal, folder)


def restored(gguf: Path, folder: Path, tokenizer: Path | None = None) -> Path:
    """The checkpoint that a GGUF stands for, in `folder`; made once, as float16: what GGUF's own scales are."""
    if not folder.exists():
        restore(gguf, folder, dtype="f16", tokenizer=tokenizer)
    return folder


def with_adapter(model: Model, lora: Lora, seed: int, saved: Path | None = None) -> Model:
    """The model frozen under a LoRA adapter: a new one, or the one in the folder `saved`."""
    import peft

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by a name of yesterday
        if saved is not None:
            adapter = peft.PeftModel.from_pretrained(model.causal, str(saved), is_trainable=True)
        else:
            adapter = _new_adapter(model.causal, lora)
    return replace(model, causal=adapter.get_base_model(), adapter=adapter)


def _new_adapter(causal: Any, lora: Lora) -> Any:
    import peft

    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type="CAUSAL_LM",
    )
    try:
        return peft.get_peft_model(causal, config)
    except ValueError as error:
        raise BadInput(f"lora.targets: {error}") from error
