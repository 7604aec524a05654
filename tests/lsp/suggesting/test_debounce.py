"""How long a request waits, by rhythm and model."""

from __future__ import annotations

import pytest

from midfill_lsp.settings import Settings
from midfill_lsp.suggesting.debounce import Debounce


@pytest.mark.parametrize(
    ("interval_s", "answer_s", "debounce_ms", "wait_s"),
    [
        pytest.param(0.15, 0.25, 0, 0.0, id="a fast model"),
        pytest.param(0.15, 1.2, 0, 0.0, id="a wait would be felt"),
        pytest.param(0.15, 3.0, 0, 0.15, id="a slow model"),
        pytest.param(0.5, 3.0, 0, 0.0, id="slow fingers"),
        pytest.param(0.15, 3.0, 400, 0.4, id="as the settings say"),
        pytest.param(2.0, 30.0, 0, 0.0, id="pauses are no rhythm"),
    ],
)
def test_wait(interval_s: float, answer_s: float, debounce_ms: int, wait_s: float) -> None:
    debounce = Debounce()
    for number in range(30):
        debounce.typed(100.0 + number * interval_s)
        debounce.answered(answer_s)
    assert debounce.wait_s(Settings(debounce_ms=debounce_ms)) == pytest.approx(wait_s)


def test_nobody_waits_before_anything_is_known() -> None:
    assert Debounce().wait_s(Settings()) == 0.0


def test_the_longer_intervals_count() -> None:
    """A wait that most keystrokes outlast would be for nothing."""
    debounce, now_s = Debounce(), 100.0
    for number in range(40):
        now_s += 0.3 if number % 4 == 0 else 0.1
        debounce.typed(now_s)
        debounce.answered(4.0)
    assert 0.1 < debounce.wait_s(Settings()) <= 0.3
