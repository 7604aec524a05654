"""A causal model as training sees it: a batch goes in, its loss comes out."""

from __future__ import annotations

from typing import Any

import torch

from midfill_training.train.attention import group_mask, group_positions
from midfill_training.train.batches import Batch
from midfill_training.train.loss import cross_entropy, score


class Learner(torch.nn.Module):  # type: ignore[misc]
    """Around a model of transformers that has `model` and `lm_head`, as Llama, Qwen2 and StarCoder2 have.

    One module with one `forward`, because DDP and FSDP see only what goes through it. In training mode it gives the
    summed loss of a batch; in evaluation the loss of each target and whether it is the most likely token.
    """

    def __init__(self, causal: Any, *, precision: str) -> None:
        super().__init__()
        self.causal = causal
        self._is_bf16 = precision == "bf16"

    def forward(
        self, tokens: torch.Tensor, group: torch.Tensor | None, places: torch.Tensor, targets: torch.Tensor
    ) -> Any:
        """The fields of a `Batch`."""
        with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=self._is_bf16):
            isolated = {}
            if group is not None:
                isolated = {"attention_mask": group_mask(group), "position_ids": group_positions(group)}
            hidden = self.causal.model(input_ids=tokens, use_cache=False, **isolated).last_hidden_state
            counted = hidden.flatten(0, 1).index_select(0, places)
            compare = cross_entropy if self.training else score
            return compare(counted, self.causal.lm_head.weight, targets)


def run_batch(learner: torch.nn.Module, batch: Batch) -> Any:
    """What the learner says of a batch."""
    return learner(batch.tokens, batch.group, batch.places, batch.targets)


def compile_layers(causal: Any, backend: str = "inductor") -> None:
    """Compile layer by layer: layers of one shape share one compilation, however many they are."""
    for layer in causal.model.layers:
        layer.compile(backend=backend)
    causal.model.norm.compile(backend=backend)


def checkpoint_activations(causal: Any) -> None:
    """Keep the inputs of layers alone and compute what is in them again for the gradient."""
    new_name = "activation_checkpointing_enable"  # older releases of transformers 5 know the other only
    enable = getattr(causal, new_name, None) or causal.gradient_checkpointing_enable
    enable({"use_reentrant": False})
