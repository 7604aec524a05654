"""The suites by name."""

from __future__ import annotations

from midfill_training.errors import BadInput
from midfill_training.evaluation.suite import Suite
from midfill_training.evaluation.suites import crosscodeeval, fim_eval, humaneval_infilling, safim, santacoder_fim

_SUITES: tuple[Suite, ...] = (
    santacoder_fim.SUITE,
    humaneval_infilling.SUITE,
    crosscodeeval.SUITE,
    safim.SUITE,
    fim_eval.SUITE,
)
SUITES = {suite.name: suite for suite in _SUITES}


def find_suite(name: str) -> Suite:
    """Raises BadInput that names those there are."""
    if name not in SUITES:
        raise BadInput(f"there is no suite {name!r}; there are {', '.join(SUITES)}")
    return SUITES[name]
