"""The running measurement of how fast prompts are read."""

from __future__ import annotations

import pytest

from midfill_model.local.reading_speed import MIN_MEASURED_TOKENS, N_MEASURED, ReadingSpeed

MANY = 2 * N_MEASURED


@pytest.mark.parametrize(
    ("noted", "tokens_per_s"),
    [
        ([], 50.0),
        ([(1, 0.5)] * MANY, 50.0),
        ([(MIN_MEASURED_TOKENS, 0.0)], 50.0),
        ([(64, 0.25)], 256.0),
        ([(64, 0.25)] * MANY + [(64, 10.0)], 256.0),
        ([(64, 0.25)] * MANY + [(64, 1.0)] * MANY, 64.0),
        ([(64, 0.25), (64, 0.5), (16, 0.25)], 128.0),
    ],
    ids=["guess", "single tokens say nothing", "no time", "one", "held up once", "became busy", "median"],
)
def test_tokens_per_s(noted: list[tuple[int, float]], tokens_per_s: float) -> None:
    speed = ReadingSpeed(50.0)
    for n_tokens, seconds in noted:
        speed.note(n_tokens, seconds)
    assert speed.tokens_per_s == tokens_per_s
    assert speed.ms(100) == 100_000 / tokens_per_s
