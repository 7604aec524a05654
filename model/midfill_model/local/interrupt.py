"""Stops llama.cpp from another thread: by a cancel, or when a time budget runs out.

llama.cpp asks its abort callback after every node of the graph, about 500 times a token. A Python callback would
take the GIL each time; instead the callback is libc's `strlen` on a two-byte buffer, which is 0 until a byte is set.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from midfill_model.engine import StopReason


class Interrupted(Exception):
    """Raised where work was given up; `Interrupt.reason` tells why. Never leaves the worker."""


class Interrupt:
    """A flag for one request at a time; `trip` may be called from any thread, the first reason stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flag = ctypes.create_string_buffer(2)
        self.reason: StopReason | None = None

    @property
    def callback(self) -> int:
        """Address of a C function `size_t f(const char *)` that is non-zero once tripped, given `data`."""
        libc = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        return ctypes.cast(libc.strlen, ctypes.c_void_p).value or 0

    @property
    def data(self) -> ctypes.c_void_p:
        """What the callback has to be called with."""
        return ctypes.cast(self._flag, ctypes.c_void_p)

    def trip(self, reason: StopReason) -> None:
        """Stop the work under way."""
        with self._lock:
            if self.reason is None:
                self.reason = reason
                self._flag[0] = b"\x01"

    def reset(self) -> None:
        """Forget the last request."""
        with self._lock:
            self.reason = None
            self._flag[0] = b"\x00"

    def check(self) -> None:
        """Raise `Interrupted` if tripped."""
        if self.reason is not None:
            raise Interrupted

    @contextmanager
    def deadline(self, budget_ms: float | None) -> Iterator[None]:
        """Trip with `DEADLINE` if the block takes longer than `budget_ms`."""
        if budget_ms is None:
            yield
            return
        timer = threading.Timer(budget_ms / 1000, self.trip, [StopReason.DEADLINE])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # a timer that is just firing would trip the next request
