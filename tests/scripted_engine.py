"""An `Engine` that says what it was told to say, when it was told to: no model, no worker."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from midfill_model.engine import (
    Completion,
    CompletionRequest,
    EngineState,
    EngineStatus,
    StatusListener,
    StopReason,
    TextListener,
    Timings,
)


@dataclass(frozen=True)
class Script:
    """What the engine answers; `{path}` and `{prefix}` in `text` stand for those of the request's cursor."""

    text: str = "scripted()"
    delay_ms: float = 0.0
    raises: bool = False  # as no engine should
    stop_reason: StopReason = StopReason.LINE
    n_replaced: int = 0
    alternatives: tuple[str, ...] = ()  # for who wants several
    timings: Timings = field(default_factory=lambda: Timings(10, 4, 3, 1.5, 2.5))


class ScriptedEngine:
    """Answers every request by its script; keeps what it was asked and how often it was told to stop."""

    def __init__(self, on_status: StatusListener | None = None, model: str = "scripted") -> None:
        self.script = Script()
        self.requests: list[CompletionRequest] = []
        self.n_cancelled = 0
        self.is_closed = False
        self.hangs_on_close = False
        self._on_status = on_status
        self._status = EngineStatus(EngineState.READY, model)

    @property
    def status(self) -> EngineStatus:
        return self._status

    def become(self, state: EngineState, reason: str = "") -> None:
        """Change state as an engine does of its own accord."""
        self._status = replace(self._status, state=state, reason=reason)
        if self._on_status is not None:
            self._on_status(self._status)

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        self.requests.append(request)
        future: Future[Completion] = Future()
        future.add_done_callback(self._count_cancelled)
        script = self.script
        if not request.limits.max_tokens:
            _answer(future, Completion("", StopReason.MAX_TOKENS))
            return future
        if script.raises:
            raise ValueError(request.cursor.prefix)
        text = script.text.replace("{path}", request.cursor.path).replace("{prefix}", request.cursor.prefix)
        others = tuple(Completion(each, script.stop_reason) for each in script.alternatives[: request.n_candidates - 1])
        completion = Completion(
            text, script.stop_reason, script.timings, alternatives=others, n_replaced=script.n_replaced
        )
        if script.delay_ms:
            timer = threading.Timer(script.delay_ms / 1000, _answer, (future, completion))
            timer.daemon = True
            timer.start()
        else:
            _answer(future, completion)
        return future

    def close(self) -> None:
        self.is_closed = True
        if self.hangs_on_close:
            threading.Event().wait()

    def _count_cancelled(self, future: Future[Completion]) -> None:
        self.n_cancelled += future.cancelled()


def _answer(future: Future[Completion], completion: Completion) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(completion)


class HeldEngine(ScriptedEngine):
    """Answers nothing by itself: a test says what the engine writes and when a request ends."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Held] = []

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        self.requests.append(request)
        self.held.append(Held(request, on_text))
        return self.held[-1].future


@dataclass(frozen=True)
class Held:
    """One request that waits for the test."""

    request: CompletionRequest
    on_text: TextListener | None
    future: Future[Completion] = field(default_factory=Future)

    def write(self, text: str) -> None:
        """All of the completion's text so far is this."""
        assert self.on_text is not None
        self.on_text(text)

    def end(self, text: str, stop_reason: StopReason = StopReason.LINE) -> None:
        _answer(self.future, Completion(text, stop_reason, Timings(10, 4, 3, 1.5, 2.5)))
