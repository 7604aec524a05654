"""Attention that stays within the groups of a row, and costs nothing where nobody asked for that.

transformers 5 finds packed rows by itself, from position ids that begin again. That costs a look at a GPU's memory in
every forward pass, for which the host waits, and a compiled model gets a full mask even where there is one group. So
the models here run an attention of another name, for which transformers makes no mask: without one, torch takes its
causal kernel (flash, where it has it); a mask that is given goes through as it is.
"""

from __future__ import annotations

import torch

NAME = "midfill_sdpa"


def register() -> str:
    """Make the attention known to transformers; returns the name to pass as `attn_implementation`."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(NAME, sdpa_attention_forward)
    return NAME


def group_mask(group: torch.Tensor) -> torch.Tensor:
    """Who may attend to whom, shape (rows, 1, length, length), for groups of shape (rows, length)."""
    same = group[:, :, None] == group[:, None, :]
    return same.tril().unsqueeze(1)


def group_positions(group: torch.Tensor) -> torch.Tensor:
    """Positions that begin again with each group, shape (rows, length)."""
    at = torch.arange(group.shape[1], device=group.device).expand_as(group)
    begins = torch.ones_like(group, dtype=torch.bool)
    begins[:, 1:] = group[:, 1:] != group[:, :-1]
    return at - torch.where(begins, at, 0).cummax(dim=1).values
