"""Logits of the checkpoint itself, computed by transformers in float32: what a GGUF is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.export.checkpoint import Checkpoint


@dataclass(frozen=True)
class Divergence:
    """KL divergence in nats from the checkpoint's to the GGUF's next-token distribution, over `n_tokens` places."""

    n_tokens: int
    mean_kl: float
    max_kl: float
    same_argmax: float


def logits_of(model: Any, tokens: Sequence[int]) -> NDArray[np.float32]:
    """Logits after each token, shape (len(tokens), n_vocab), of a model of `load_reference`."""
    import torch

    with torch.inference_mode():
        values: NDArray[np.float32] = model(torch.tensor([list(tokens)])).logits[0].float().numpy()
    return values


def load_reference(path: Path, checkpoint: Checkpoint, adapter: Path | None = None) -> Any:
    """The checkpoint as a model of transformers, in float32; `adapter` is a PEFT folder put on top."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # of seconds, and in the middle of what `verify` prints
    if path.is_dir():
        model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    else:  # Megatron: transformers cannot read it
        config = {key: value for key, value in checkpoint.config.items() if key != "architectures"}
        model = LlamaForCausalLM(LlamaConfig(**config))
        stored = checkpoint.tensors.items()
        model.load_state_dict({name: torch.from_numpy(source.read(0, source.shape[0])) for name, source in stored})
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter))
    return model.eval()


def divergence(reference: NDArray[np.float32], found: NDArray[np.float32]) -> Divergence:
    """Compare logits of the same places, shape (n_tokens, n_vocab) both."""
    kl = np.empty(len(reference))
    for at, (wanted, given) in enumerate(zip(reference, found, strict=True)):
        log_p, log_q = _log_softmax(wanted), _log_softmax(given)
        kl[at] = np.sum(np.exp(log_p) * (log_p - log_q))
    same = reference.argmax(axis=1) == found.argmax(axis=1)
    return Divergence(len(reference), float(kl.mean()), float(kl.max()), float(same.mean()))


def _log_softmax(row: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = row.astype(np.float64) - row.max()
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result
