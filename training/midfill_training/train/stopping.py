"""SIGTERM and SIGINT ask a run to save and stop; a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass
class StopRequest:
    """The number of the signal that came, 0 before."""

    signal: int = 0


@contextmanager
def noting_signals() -> Iterator[StopRequest]:
    """The first signal is only noted; then, and afterwards, signals do again what they did before."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        request.signal = number
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield request
    finally:
        restore()
