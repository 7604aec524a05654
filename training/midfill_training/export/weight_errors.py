"""How far the stored weights are from the checkpoint's: one relative error per tensor, without running either model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from midfill_training.export.gguf_weights import GgufTensor
from midfill_training.export.tensor_plan import CHUNK_VALUES, PlannedTensor

# The largest relative error (root of summed squares) that rounding to a type explains, by how its name begins, with
# room: Gaussian weights give 0.0003 (F16), 0.0017 (BF16), 0.006 (Q8_0), 0.02 (Q6_K), 0.04 (Q5_K), 0.08 (Q4_K). Another
# tensor in the place of the right one gives 1.4.
LIMITS = (
    *(("F32", 1e-6), ("F16", 2e-3), ("BF16", 5e-3), ("Q8", 0.02), ("Q6", 0.05), ("Q5", 0.1)),
    *(("Q4", 0.2), ("IQ4", 0.2), ("Q3", 0.35), ("IQ3", 0.35), ("Q2", 0.6), ("IQ2", 0.6), ("IQ1", 0.9)),
)


def relative_error(planned: PlannedTensor, stored: GgufTensor) -> float:
    """Norm of the difference over norm of the planned values; memory for a chunk of rows."""
    n_row = math.prod(planned.shape[1:])
    step = max(1, CHUNK_VALUES // n_row)
    difference = total = 0.0
    for first in range(0, planned.shape[0], step):
        last = min(first + step, planned.shape[0])
        wanted, found = planned.read(first, last), stored.read(first, last)
        difference += float(np.square(wanted - found, dtype=np.float64).sum())
        total += float(np.square(wanted, dtype=np.float64).sum())
    return math.sqrt(difference / total) if total else math.sqrt(difference)


def limit_of(type_name: str) -> float:
    """The largest error that storing as this type explains."""
    return next((limit for start, limit in LIMITS if type_name.startswith(start)), 0.9)


def weight_findings(
    tensors: Sequence[PlannedTensor], stored: Mapping[str, GgufTensor]
) -> tuple[list[str], dict[str, float]]:
    """What is wrong with the weights, in words, and the error of each tensor."""
    findings, errors = [], {}
    for planned in tensors:
        found = stored.get(planned.name)
        if found is None:
            findings.append(f"the GGUF lacks {planned.name}")
        elif found.shape != planned.shape:
            findings.append(f"{planned.name} is {found.shape} in the GGUF and {planned.shape} in the checkpoint")
        else:
            error = errors[planned.name] = relative_error(planned, found)
            if not error <= limit_of(found.type_name):  # a NaN is no match either
                findings.append(
                    f"{planned.name} differs from the checkpoint by {error:.3g}, "
                    f"more than {found.type_name} explains ({limit_of(found.type_name):g})"
                )
    extra = set(stored) - {planned.name for planned in tensors}
    findings += [f"the GGUF has {name}, which the checkpoint does not" for name in sorted(extra)]
    return findings, errors
