"""The worker process: owns the one llama context, so that a crash of llama.cpp never takes the language server along.

Started by `LlamaEngine` as `python -I -m midfill_model.local.worker`; ends when its stdin does.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

import psutil

from midfill_model.engine import Completion, StopReason
from midfill_model.errors import ModelError
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.opening import Model, open_model
from midfill_model.local.wire import Cancel, Count, Counted, Done, Load, Ready, Refused, Run, Written, receive, send

# Nobody has typed for so long, and other processes took no more of the processor than that: a good moment to measure.
REST_S = 5.0
MAX_BUSY_PERCENT = 20.0


class Inbox:
    """Reads messages in a thread of its own, so that whatever comes in reaches llama.cpp while it computes."""

    def __init__(self, stream: BinaryIO, interrupt: Interrupt) -> None:
        self._stream = stream
        self._interrupt = interrupt
        self._arrived = threading.Condition()  # guards all of these
        self._work: deque[Run | Count] = deque()
        self._given_up: dict[int, StopReason] = {}
        self._current: int | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message = receive(self._stream)
            except EOFError:
                os._exit(0)  # nobody is left to answer; llama.cpp may be in the middle of a graph
            with self._arrived:
                if isinstance(message, Run | Count):
                    self._work.append(message)
                    self._arrived.notify()
                    if self._current is None:
                        self._interrupt.trip(StopReason.SUPERSEDED)
                elif isinstance(message, Cancel):
                    if message.number == self._current:
                        self._interrupt.trip(message.reason)
                    else:
                        self._given_up[message.number] = message.reason

    def begin_idling(self) -> bool:
        """From now on the interrupt is tripped by whatever comes in; False if something is there already."""
        with self._arrived:
            self._interrupt.reset()
            self._current = None
            return not self._work

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing comes in for so long; returns at once when something does."""
        with self._arrived:
            return not self._arrived.wait_for(lambda: self._work, seconds)

    def next(self) -> tuple[Run | Count, StopReason | None]:
        """Wait for work; with the reason if it has been given up before it began."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._work)
            work = self._work.popleft()
            self._interrupt.reset()
            self._current = work.number
            reason = self._given_up.pop(work.number, None)
            # numbers grow, so that what is older than this one has ended and its late cancels can go
            self._given_up = {number: why for number, why in self._given_up.items() if number > work.number}
        return work, reason


class Worker:
    """Answers what comes in, one after the other. While nothing does, it reads on, and then it tunes."""

    def __init__(self, inbox: Inbox, target: BinaryIO, model: Model) -> None:
        self._inbox = inbox
        self._target = target
        self._model = model
        self._tune = model.tune

    def serve(self) -> None:
        """For ever: the inbox ends the process."""
        work, given_up = self._inbox.next()
        while True:
            self._answer(work, given_up)
            choice = self._model.choice
            while choice.has_unread and self._inbox.begin_idling():
                choice.read_on()
            if self._tune:
                self._rest(self._tune)
            work, given_up = self._inbox.next()

    def _answer(self, work: Run | Count, given_up: StopReason | None) -> None:
        if isinstance(work, Count):
            n_tokens = tuple(len(self._model.builder.encode(text)) for text in work.texts)
            send(self._target, Counted(work.number, n_tokens))
        else:
            completion = Completion("", given_up) if given_up else self._complete(work)
            send(self._target, Done(work.number, completion))

    def _complete(self, run: Run) -> Completion:
        def tell(text: str) -> None:
            send(self._target, Written(run.number, text))

        return self._model.decoder.complete(run.request, tell if run.wants_text else None)

    def _rest(self, tune: Callable[[], None]) -> None:
        """Tune after a while of quiet. Where something comes in, or others compute, that is for the next rest."""
        psutil.cpu_percent()  # from here on
        if self._inbox.is_quiet(REST_S) and psutil.cpu_percent() <= MAX_BUSY_PERCENT and self._inbox.begin_idling():
            with suppress(Interrupted):
                tune()
                self._tune = None


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent, whose end is ours
    source, target = _private_streams()
    load = receive(source)
    assert isinstance(load, Load)
    interrupt = Interrupt()
    inbox = Inbox(source, interrupt)
    try:
        model = open_model(load.path, load.options, interrupt)
    except ModelError as error:
        send(target, Refused(str(error)))
        return
    send(target, Ready(model.builder.format.name))
    Worker(inbox, target, model).serve()


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """The wire, moved off the standard streams: whatever llama.cpp prints goes to stderr."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, target


if __name__ == "__main__":
    main()
