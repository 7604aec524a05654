"""Between the event loop's thread and others."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


def call_soon(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: object) -> None:
    """Call on the loop's thread from another one, unless the loop has ended."""
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        logger.debug("the event loop ended first")


def run_aside(call: Callable[..., T], *args: object) -> asyncio.Future[T]:
    """Run something slow in a thread of its own, for whose end neither the loop nor the process waits."""
    done: Future[T] = Future()

    def work() -> None:
        try:
            done.set_result(call(*args))
        except BaseException as error:
            done.set_exception(error)

    done.set_running_or_notify_cancel()
    threading.Thread(target=work, name=getattr(call, "__name__", "aside"), daemon=True).start()
    return asyncio.wrap_future(done)
