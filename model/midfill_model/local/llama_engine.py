"""Runs a GGUF through llama.cpp in a worker process, and brings the worker back when it dies (`Engine`)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO, TypeVar

from midfill_model.ending.hole import MAX_BYTES
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    EngineState,
    EngineStatus,
    Priority,
    StatusListener,
    StopReason,
    TextListener,
    gives_way,
)
from midfill_model.errors import EngineError
from midfill_model.local.waiting import waiting_environment
from midfill_model.local.wire import (
    Cancel,
    Count,
    Counted,
    Done,
    EngineOptions,
    Load,
    Ready,
    Refused,
    Run,
    ToWorker,
    Written,
    receive,
    send,
)
from midfill_model.prompts.prompt import CHARS_PER_TOKEN
from midfill_model.prompts.window import prefix_window, suffix_window

MAX_CRASHES = 5
CRASH_WINDOW_S = 60.0
FIRST_BACK_OFF_S = 0.2
MAX_BACK_OFF_S = 5.0
EXIT_S = 2.0
N_KEPT_STDERR_LINES = 5

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Pending:
    """A request that the worker has, and whom its caller waits with."""

    request: CompletionRequest
    future: Future[Completion]
    on_text: TextListener | None


class LlamaEngine:
    """One model in one worker process. Requests while it loads or after it failed are answered empty at once."""

    def __init__(
        self,
        path: Path,
        options: EngineOptions | None = None,
        on_status: StatusListener | None = None,
        name: str = "",
    ) -> None:
        self._path = path
        self._options = options or EngineOptions()
        self._on_status = on_status
        self._lock = threading.RLock()
        self._status = EngineStatus(EngineState.LOADING, name or path.stem)
        self._pending: dict[int, Pending] = {}
        self._counts: dict[int, Future[tuple[int, ...]]] = {}
        self._numbers = count()
        self._worker: subprocess.Popen[bytes] | None = None
        self._crashes: deque[float] = deque(maxlen=MAX_CRASHES)
        self._closed = threading.Event()
        self._settled = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="midfill-engine", daemon=True)
        self._supervisor.start()

    @property
    def status(self) -> EngineStatus:
        """The present state."""
        return self._status

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker, while there is one."""
        worker = self._worker
        return worker.pid if worker else None

    def wait_until_loaded(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until the model is loaded or was refused."""
        self._settled.wait(timeout_s)
        return self._status

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        """See `Engine.submit`."""
        future: Future[Completion] = Future()
        with self._lock:
            if not self._is_open():
                loading = self._status.state is EngineState.LOADING
                future.set_result(Completion("", StopReason.LOADING if loading else StopReason.ENGINE_FAILED))
                return future
            for number, pending in list(self._pending.items()):
                if gives_way(pending.request, request):
                    self._give_up(number, StopReason.SUPERSEDED)
            number = next(self._numbers)
            self._pending[number] = Pending(request, future, on_text)
            self._show_load()
            self._tell(Run(number, self._for_worker(request), on_text is not None))
        future.add_done_callback(lambda done: self._give_up(number, StopReason.CANCELLED) if done.cancelled() else None)
        return future

    def count_tokens(self, texts: Sequence[str]) -> Future[tuple[int, ...]]:
        """How many tokens each text has for the model, once the engine gets to it; EngineError if it never does."""
        future: Future[tuple[int, ...]] = Future()
        with self._lock:
            if self._is_open():
                number = next(self._numbers)
                self._counts[number] = future
                self._tell(Count(number, tuple(texts)))
            else:
                future.set_exception(EngineError(self._status.reason or "The model is not loaded."))
        return future

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._closed.set()
            self._settled.set()
            worker = self._worker
        self._fail(EngineState.CLOSED, "")
        if worker:
            worker.kill()
        if threading.current_thread() is not self._supervisor:
            self._supervisor.join(timeout=5)

    def _for_worker(self, request: CompletionRequest) -> CompletionRequest:
        """The request with the model's threshold, and without text that no prompt could hold, cut by the same steps.

        So much stays that a file which is too long for its syntax to be read still is: in a part of it, brackets that
        the rest closes would look open.
        """
        max_chars = max(8 * self._options.max_prompt_tokens * CHARS_PER_TOKEN, 2 * MAX_BYTES)
        cursor = request.cursor
        prefix, suffix = prefix_window(cursor.prefix, max_chars), suffix_window(cursor.suffix, max_chars)
        least = self._options.min_logprob if request.min_logprob is None else request.min_logprob
        return replace(request, cursor=replace(cursor, prefix=prefix, suffix=suffix), min_logprob=least)

    def _give_up(self, number: int, reason: StopReason) -> None:
        with self._lock:
            pending = self._pending.pop(number, None)
            if pending is None:
                return
            self._tell(Cancel(number, reason))
            self._show_load()
        _answer(pending.future, Completion("", reason))

    def _is_open(self) -> bool:
        return self._status.state in (EngineState.READY, EngineState.BUSY)

    def _show_load(self) -> None:
        """Busy is where somebody waits; what runs in the background does not show."""
        is_busy = any(pending.request.priority is Priority.TYPED for pending in self._pending.values())
        self._set_status(EngineState.BUSY if is_busy else EngineState.READY)

    def _tell(self, message: ToWorker) -> None:
        """Send to the worker; for one that is dying, the supervisor answers."""
        if self._worker and self._worker.stdin and not self._worker.stdin.closed:
            with suppress(OSError):
                send(self._worker.stdin, message)

    def _set_status(self, state: EngineState, reason: str = "") -> None:
        with self._lock:
            status = replace(self._status, state=state, reason=reason)
            if status == self._status or self._status.state is EngineState.CLOSED:
                return
            self._status = status
        if self._on_status:
            self._on_status(status)

    def _fail(self, state: EngineState, why: str) -> None:
        """Leave the states in which requests are taken; what waits ends, and nothing slips between."""
        with self._lock:
            self._set_status(state, why)
            pending, self._pending = list(self._pending.values()), {}
            counts, self._counts = list(self._counts.values()), {}
        reason = StopReason.CANCELLED if state is EngineState.CLOSED else StopReason.ENGINE_FAILED
        for each in pending:
            _answer(each.future, Completion("", reason))
        for uncounted in counts:
            if uncounted.set_running_or_notify_cancel():
                uncounted.set_exception(EngineError(why or "The engine was closed."))

    def _supervise(self) -> None:
        """Start the worker, listen to it until it ends, and start it again unless that is pointless."""
        while not self._closed.is_set():
            try:
                worker = self._start()
            except OSError as error:
                self._give_in(f"The model process cannot be started: {error}.")
                return
            stderr = _Tail(worker.stderr)
            refusal = self._listen(worker)
            code = _reap(worker)
            last_words = stderr.text()
            self._dispose(worker)
            if self._closed.is_set():
                return
            if refusal is None:
                refusal = self._after_crash(code, last_words)
            if refusal is not None:
                self._give_in(refusal)
                return

    def _give_in(self, why: str) -> None:
        self._fail(EngineState.ERROR, why)
        self._settled.set()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-m", "midfill_model.local.worker"]
        pipe = subprocess.PIPE
        worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=waiting_environment())
        with self._lock:
            self._worker = worker
            self._tell(Load(self._path, self._options))
            if self._closed.is_set():
                worker.kill()
        return worker

    def _dispose(self, worker: subprocess.Popen[bytes]) -> None:
        with self._lock:
            for stream in (worker.stdin, worker.stdout):
                with suppress(OSError):  # what it was not told any more
                    if stream:
                        stream.close()

    def _listen(self, worker: subprocess.Popen[bytes]) -> str | None:
        """Take the worker's messages until it ends; the reason if it refused the model."""
        assert worker.stdout is not None
        while True:
            try:
                message = receive(worker.stdout)
            except EOFError:
                return None
            if isinstance(message, Refused):
                return message.message
            if isinstance(message, Ready):
                self._set_status(EngineState.READY)
                self._settled.set()
            elif isinstance(message, Written | Counted | Done):
                self._hear(message)

    def _hear(self, message: Written | Counted | Done) -> None:
        """Pass on what the worker says to whoever still waits for it."""
        if isinstance(message, Written):
            pending = self._pending.get(message.number)
            if pending and pending.on_text:
                pending.on_text(message.text)
        elif isinstance(message, Counted):
            with self._lock:
                counted = self._counts.pop(message.number, None)
            if counted:
                _answer(counted, message.n_tokens)
        elif isinstance(message, Done):
            with self._lock:
                pending = self._pending.pop(message.number, None)
                self._show_load()
            if pending:
                _answer(pending.future, message.completion)

    def _after_crash(self, code: int, stderr: str) -> str | None:
        """Wait before the next start; the reason to give up if the worker keeps dying."""
        now = time.monotonic()
        self._crashes.append(now)
        n_recent = sum(now - crash < CRASH_WINDOW_S for crash in self._crashes)
        reason = f"The model process ended with {_ending(code)}." + (f" Its last words: {stderr}" if stderr else "")
        if n_recent == MAX_CRASHES:
            return f"{reason} That was the {MAX_CRASHES}th time within a minute; restart the engine to try again."
        with self._lock:
            if not self._closed.is_set():
                self._settled.clear()
        self._fail(EngineState.LOADING, reason)
        self._closed.wait(min(FIRST_BACK_OFF_S * 2 ** (n_recent - 1), MAX_BACK_OFF_S))
        return None


@contextmanager
def loaded(engine: LlamaEngine, timeout_s: float | None = None) -> Iterator[LlamaEngine]:
    """The engine once its model is loaded, closed afterwards. EngineError for a model that is refused, or late."""
    with closing(engine):
        status = engine.wait_until_loaded(timeout_s)
        if status.state is not EngineState.READY:
            raise EngineError(status.reason or "the model did not load in time")
        yield engine


class _Tail:
    """Drains a stream in a thread and keeps its last lines."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque(maxlen=N_KEPT_STDERR_LINES)
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with suppress(OSError, ValueError), self._stream or nullcontext(()) as lines:
            self._lines.extend(line.strip() for line in lines)

    def text(self) -> str:
        """The last lines, once the stream has ended."""
        self._thread.join(timeout=1)
        return b" / ".join(self._lines).decode(errors="replace")[-500:]


def _reap(worker: subprocess.Popen[bytes]) -> int:
    """How a worker that has said its last ended; killed if it lingers."""
    with suppress(subprocess.TimeoutExpired):
        return worker.wait(EXIT_S)
    worker.kill()
    return worker.wait()


def _ending(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def _answer(future: Future[Answer], answer: Answer) -> None:
    """Give it to whoever still waits for it."""
    if future.set_running_or_notify_cancel():
        future.set_result(answer)
