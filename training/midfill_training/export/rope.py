"""RoPE as config.json describes it: base frequency and scaling, in the words of GGUF metadata.

transformers 5 has one table `rope_parameters`; older files have `rope_theta` and `rope_scaling`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.errors import UnsupportedCheckpoint

FREQUENCY_FACTORS = "rope_freqs.weight"


@dataclass(frozen=True)
class Rope:
    """`metadata` is what the GGUF says besides the base; `factors` divide the frequencies one by one (Llama 3)."""

    theta: float
    metadata: Mapping[str, str | float | int] = field(default_factory=dict)
    factors: NDArray[np.float32] | None = None


def read_rope(config: Mapping[str, Any], head_size: int) -> Rope:
    """The RoPE of a config.json; raises UnsupportedCheckpoint for variants that have no row here."""
    table: dict[str, Any] = {
        "rope_theta": config.get("rope_theta", 10_000.0),
        **(config.get("rope_scaling") or {}),
        **(config.get("rope_parameters") or {}),
    }
    kind = table.get("rope_type") or table.get("type") or "default"
    theta = float(table["rope_theta"])
    if table.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0)) not in (None, 1.0):
        raise UnsupportedCheckpoint("config.json: partial_rotary_factor is set; only full RoPE can be converted")
    if kind == "default":
        return Rope(theta)
    if kind == "linear":
        return Rope(theta, {"scaling.type": "linear", "scaling.factor": float(table["factor"])})
    if kind == "yarn" and not {"beta_fast", "beta_slow", "attention_factor", "mscale"} & set(table):
        original = table.get("original_max_position_embeddings") or config["max_position_embeddings"]
        factor = float(table["factor"])
        return Rope(
            theta,
            {"scaling.type": "yarn", "scaling.factor": factor, "scaling.original_context_length": int(original)},
        )
    if kind == "llama3":
        return Rope(theta, factors=_llama3_factors(table, theta, head_size))
    raise UnsupportedCheckpoint(
        f"config.json: RoPE scaling {kind!r} with {', '.join(sorted(table))} cannot be converted; "
        "default, linear, yarn (factor alone) and llama3 can"
    )


def _llama3_factors(table: Mapping[str, Any], theta: float, head_size: int) -> NDArray[np.float32]:
    """Low frequencies are slowed down by `factor`, high ones kept, those between blended (Llama 3.1's rule)."""
    factor = float(table["factor"])
    low, high = float(table["low_freq_factor"]), float(table["high_freq_factor"])
    n_context = float(table["original_max_position_embeddings"])
    factors = []
    for i in range(0, head_size, 2):
        wavelength = 2 * math.pi * theta ** (i / head_size)
        if wavelength < n_context / high:
            factors.append(1.0)
        elif wavelength > n_context / low:
            factors.append(factor)
        else:
            smooth = (n_context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, np.float32)
