"""The worker's loop: what it does while nobody asks, and that it stops at once. Here over a scripted context;
with real models and processes in test_llama_engine.py.
"""

from __future__ import annotations

import io
import pickle
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from midfill_context.cursor import Cursor, Snippet
from midfill_model.engine import CompletionRequest, Ending, Limits, StopReason
from midfill_model.local import worker as worker_module
from midfill_model.local.decoding import Decoder
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.kv_cache import MAIN
from midfill_model.local.opening import Model
from midfill_model.local.wire import Cancel, Count, Counted, Done, FromWorker, Run, ToWorker
from midfill_model.local.worker import Inbox, Worker
from scripted_choice import SHORT, SNIPPET, Scripted, scripted

TIMEOUT_S = 20.0


class Wire(io.RawIOBase):
    """One direction of a pipe that never ends: its end would end the process."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._rest = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n_bytes = self._rest.readinto(buffer)
        if not n_bytes:
            self._rest = io.BytesIO(self._messages.get())
            n_bytes = self._rest.readinto(buffer)
        return n_bytes

    def write(self, data: Any) -> int:
        self._messages.put(bytes(data))
        return len(data)

    def hear(self) -> FromWorker:
        return cast("FromWorker", pickle.loads(self._messages.get(timeout=TIMEOUT_S)))


@dataclass
class Running:
    """A worker at work."""

    scripted: Scripted
    interrupt: Interrupt
    source: Wire
    target: Wire

    def tell(self, message: ToWorker) -> None:
        self.source.write(pickle.dumps(message))

    def ask(self, number: int, *snippets: Snippet) -> Done:
        self.tell(Run(number, request(*snippets)))
        done = self.target.hear()
        assert isinstance(done, Done)
        assert done.number == number
        return done


def wait_until(condition: Callable[[], bool]) -> None:
    """For what sends no word of its own."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.001)


def request(*snippets: Snippet) -> CompletionRequest:
    return CompletionRequest(Cursor("a.py", "", SHORT, "\nz\n"), snippets, limits=Limits(2), ending=Ending.RAW)


def run(model: Scripted, tune: Callable[[], None] | None = None) -> Running:
    interrupt, source, target = Interrupt(), Wire(), Wire()
    pieces = model.builder._vocabulary.pieces
    decoder = Decoder(model.cache, model.choice, pieces, model.index, interrupt, 1300)
    worker = Worker(
        Inbox(cast("Any", source), interrupt), cast("Any", target), Model(decoder, model.choice, model.builder, tune)
    )
    threading.Thread(target=worker.serve, daemon=True).start()
    return Running(model, interrupt, source, target)


def test_answers_in_order() -> None:
    running = run(scripted())
    running.tell(Run(0, request()))
    running.tell(Count(1, ("abc", "")))
    running.tell(Run(2, request()))
    heard = [running.target.hear() for _ in range(3)]
    assert [type(message) for message in heard] == [Done, Counted, Done]
    assert heard[1] == Counted(1, (3, 0))


def test_what_was_given_up_is_never_begun() -> None:
    running = run(scripted())
    running.tell(Cancel(5, StopReason.SUPERSEDED))
    assert running.ask(5).completion.stop_reason is StopReason.SUPERSEDED
    assert not running.scripted.context.batches


def test_reads_on_until_something_comes() -> None:
    model = scripted()
    reading = threading.Event()
    running = run(model)
    decode = model.context.decode

    def decode_until_tripped(tokens: Any, position: int, sequence: int, n_outputs: int) -> Any:
        if sequence != MAIN:
            return decode(tokens, position, sequence, n_outputs)
        reading.set()
        wait_until(lambda: running.interrupt.reason is not None)
        raise Interrupted

    model.context.decode = decode_until_tripped  # type: ignore[method-assign]
    assert running.ask(0, SNIPPET).completion.timings.n_context_tokens == 0
    assert reading.wait(TIMEOUT_S)
    running.tell(Count(1, ("abc",)))
    assert running.target.hear() == Counted(1, (3,))
    model.context.decode = decode  # type: ignore[method-assign]
    running.tell(Cancel(2, StopReason.CANCELLED))
    assert running.ask(2).completion.stop_reason is StopReason.CANCELLED
    wait_until(lambda: not model.choice.has_unread)  # it goes on where it was
    assert running.ask(3, SNIPPET).completion.timings.n_context_tokens > 200


class TestTuning:
    @pytest.fixture(autouse=True)
    def rests_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_module, "REST_S", 0.01)
        monkeypatch.setattr(worker_module.psutil, "cpu_percent", lambda: 0.0)

    def test_once(self) -> None:
        tunings: queue.SimpleQueue[int] = queue.SimpleQueue()
        running = run(scripted(), lambda: tunings.put(1))
        running.ask(0)
        tunings.get(timeout=TIMEOUT_S)
        running.ask(1)
        running.ask(2)
        assert tunings.empty()

    def test_again_when_it_was_interrupted(self) -> None:
        tunings: queue.SimpleQueue[int] = queue.SimpleQueue()
        is_over = threading.Event()  # the worker rests once more, and then nobody interrupts it

        def tune() -> None:
            if is_over.is_set():
                return
            tunings.put(1)
            wait_until(lambda: running.interrupt.reason is not None)
            raise Interrupted

        running = run(scripted(), tune)
        for number in range(3):
            assert running.ask(number).completion.stop_reason is not StopReason.SUPERSEDED
            tunings.get(timeout=TIMEOUT_S)
        is_over.set()
        running.ask(3)

    def test_not_while_others_compute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked = threading.Semaphore(0)

        def busy() -> float:
            looked.release()
            return 90.0

        monkeypatch.setattr(worker_module.psutil, "cpu_percent", busy)
        tunings: queue.SimpleQueue[int] = queue.SimpleQueue()
        running = run(scripted(), lambda: tunings.put(1))
        for number in range(2):
            running.ask(number)
            for _ in range(2):  # when it begins to rest, and when it has rested
                assert looked.acquire(timeout=TIMEOUT_S)
            assert tunings.empty()
