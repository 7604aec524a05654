"""Which rows a step sees, and with which learning rate."""

from __future__ import annotations

import numpy as np
import pytest

from midfill_training.train.order import Order
from midfill_training.train.schedule import Schedule, planned_steps
from midfill_training.train.settings import Training


@pytest.mark.parametrize(
    ("n_rows", "batch_rows", "block_rows"), [(64, 4, 4), (61, 4, 4), (7, 4, 3), (3, 8, 2), (50, 7, 1)]
)
def test_every_row_once_an_epoch(n_rows: int, batch_rows: int, block_rows: int) -> None:
    order = Order(n_rows, batch_rows, block_rows, seed=3)
    seen = np.concatenate([order.rows(step) for step in range(n_rows * 2 // batch_rows + 1)])
    for epoch in (seen[:n_rows], seen[n_rows : 2 * n_rows]):
        assert sorted(epoch) == list(range(n_rows))
    assert n_rows < 8 or list(seen[:n_rows]) != list(seen[n_rows : 2 * n_rows])


def test_steps_stand_by_themselves() -> None:
    forwards = [Order(61, 4, 4, 0).rows(step).tolist() for step in range(40)]
    assert [Order(61, 4, 4, 0).rows(step).tolist() for step in reversed(range(40))] == forwards[::-1]
    assert [Order(61, 4, 4, 1).rows(step).tolist() for step in range(40)] != forwards


def test_blocks_are_walked_through_in_order() -> None:
    order = Order(64, 4, 4, seed=0)
    for wave in range(4):
        batches = np.stack([order.rows(4 * wave + step) for step in range(4)])
        assert (np.diff(batches, axis=0) == 1).all()
        assert (batches[0] % 4 == 0).all()


def test_without_blocks_neighbours_are_strangers() -> None:
    batches = np.stack([Order(1000, 10, 1, seed=0).rows(step) for step in range(100)])
    assert (np.diff(batches, axis=0) == 1).mean() < 0.02


def test_the_paper_s_cosine() -> None:
    schedule = Schedule(Training(warmup=0.1), steps=1000)
    rates = [schedule.learning_rate(step, 0.0) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-7)
    assert max(rates) == pytest.approx(1e-5)
    assert int(np.argmax(rates)) == 99
    assert rates[549] == pytest.approx((1e-5 + 1e-6) / 2)
    assert rates[-1] == pytest.approx(1e-6)
    assert (schedule.is_over(999, 1e9), schedule.is_over(1000, 0.0)) == (False, True)


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0], ids=lambda speed: f"{speed} s a step")
def test_the_rate_has_decayed_when_time_is_up(speed: float) -> None:
    """Whatever the machine can do, and whichever end comes first."""
    schedule = Schedule(Training(minutes=10, lr_min=0.0), steps=600)
    step = 0
    while not schedule.is_over(step, step * speed):
        step += 1
    assert step == min(600, round(600 / speed))
    assert schedule.learning_rate(step - 1, (step - 1) * speed) < 1e-3 * 1e-5 * 2 * speed**2
    assert schedule.learning_rate(step // 2, step // 2 * speed) == pytest.approx(0.5e-5, rel=0.1)


@pytest.mark.parametrize(
    ("training", "steps"),
    [(Training(batch_rows=8), 13), (Training(batch_rows=8, epochs=2.5), 32), (Training(steps=7), 7), (Training(), 2)],
)
def test_planned_steps(training: Training, steps: int) -> None:
    assert planned_steps(training, n_rows=100) == steps
