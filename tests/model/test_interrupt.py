"""What stops llama.cpp from another thread."""

from __future__ import annotations

import ctypes
import threading
import time

import pytest

from midfill_model.engine import StopReason
from midfill_model.local.interrupt import Interrupt, Interrupted


def asks(interrupt: Interrupt) -> int:
    """What llama.cpp gets when it asks whether to stop."""
    callback = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(interrupt.callback)
    return int(callback(interrupt.data))


def test_a_fresh_one_stops_nothing() -> None:
    interrupt = Interrupt()
    interrupt.check()
    assert asks(interrupt) == 0


def test_first_reason_stays_until_reset() -> None:
    interrupt = Interrupt()
    interrupt.trip(StopReason.SUPERSEDED)
    interrupt.trip(StopReason.DEADLINE)
    assert interrupt.reason is StopReason.SUPERSEDED
    assert asks(interrupt) == 1
    with pytest.raises(Interrupted):
        interrupt.check()
    interrupt.reset()
    interrupt.check()
    assert asks(interrupt) == 0


def test_deadline_trips() -> None:
    interrupt = Interrupt()
    tripped = threading.Event()
    trip = interrupt.trip
    interrupt.trip = lambda reason: (trip(reason), tripped.set())  # type: ignore[assignment, method-assign, func-returns-value]
    started = time.monotonic()
    with interrupt.deadline(30):
        assert tripped.wait(5)
    assert time.monotonic() - started >= 0.03
    assert interrupt.reason is StopReason.DEADLINE


@pytest.mark.parametrize("budget_ms", [0, -5, 0.001])
def test_no_time_at_all(budget_ms: float) -> None:
    interrupt = Interrupt()
    with interrupt.deadline(budget_ms):
        pass  # leaving waits for a timer that is just firing
    interrupt.reset()
    assert interrupt.reason is None


@pytest.mark.parametrize("budget_ms", [None, 60_000])
def test_time_enough(budget_ms: float | None) -> None:
    interrupt = Interrupt()
    n_threads = threading.active_count()
    with interrupt.deadline(budget_ms):
        interrupt.check()
    assert interrupt.reason is None
    assert threading.active_count() == n_threads


def test_a_deadline_never_reaches_the_next_request() -> None:
    """Budgets that end in the very moment in which the work does."""
    interrupt = Interrupt()
    late = []
    for _ in range(300):
        with interrupt.deadline(0.2):
            time.sleep(0.0002)
        interrupt.reset()
        time.sleep(0.0001)
        late.append(interrupt.reason)
    assert not any(late)


def test_the_timer_ends_with_an_error_too() -> None:
    interrupt = Interrupt()
    n_threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), interrupt.deadline(60_000):
        1 / 0  # noqa: B018
    assert threading.active_count() == n_threads
