"""Cross-entropy of a large vocabulary, a few rows of logits at a time.

64k tokens times 49k logits in float32 are 12 GiB, and their gradient as much again. Here a chunk of logits lives only
until its part of the loss and of the gradients is known: both are computed in the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional

CHUNK_LOGITS = 2**25  # 128 MiB of float32


def cross_entropy(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Summed loss in float32 of `hidden` (n, size) under `head` (vocabulary, size) for `targets` (n,)."""
    loss: torch.Tensor = _ChunkedCrossEntropy.apply(hidden, head, targets)
    return loss


def score(hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For each target its loss (float32), and whether it is the most likely token (bool), shapes (n,); no gradients.

    Logits are float32: in bfloat16, most likely tokens are often a tie.
    """
    losses = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
    hits = torch.empty(len(targets), dtype=torch.bool, device=hidden.device)
    with torch.autocast(hidden.device.type, enabled=False):
        exact_head = head.float()
        for part in _chunks(len(targets), len(head)):
            logits = hidden[part].float() @ exact_head.T
            losses[part] = functional.cross_entropy(logits, targets[part], reduction="none")
            hits[part] = logits.argmax(dim=1) == targets[part]
    return losses, hits


class _ChunkedCrossEntropy(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        kind = hidden.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
        wants_hidden, wants_head, _ = ctx.needs_input_grad
        loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
        d_hidden = torch.empty_like(hidden) if wants_hidden else None
        d_head = torch.zeros_like(head, dtype=torch.float32) if wants_head else None
        with torch.autocast(kind, enabled=False):
            low_head = head.to(dtype)
            for part in _chunks(len(targets), len(head)):
                low_hidden = hidden[part].to(dtype)
                part_loss, d_logits = _loss_and_gradient(low_hidden @ low_head.T, targets[part])
                loss += part_loss
                if d_hidden is not None:
                    d_hidden[part] = d_logits @ low_head
                if d_head is not None:
                    d_head += d_logits.T @ low_hidden
        ctx.save_for_backward(d_hidden, None if d_head is None else d_head.to(head.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        d_hidden, d_head = ctx.saved_tensors
        scale = gradients[0]
        return (
            None if d_hidden is None else d_hidden * scale.to(d_hidden.dtype),
            None if d_head is None else d_head * scale.to(d_head.dtype),
            None,
        )


def _loss_and_gradient(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed loss, and its gradient by the logits in their type: softmax minus one-hot."""
    values = logits.float()
    log_norm = values.logsumexp(dim=1, keepdim=True)
    picked = values.gather(1, targets[:, None])
    gradient = (values - log_norm).exp_()
    gradient.scatter_add_(1, targets[:, None], torch.full_like(picked, -1.0))
    return (log_norm - picked).sum(), gradient.to(logits.dtype)


def _chunks(n_rows: int, n_vocab: int) -> Iterator[slice]:
    size = max(1, CHUNK_LOGITS // n_vocab)
    return (slice(at, min(at + size, n_rows)) for at in range(0, n_rows, size))
