"""Completes on a server that the user named, llama-server or OpenAI-compatible (`Engine`).

Off unless a url is configured. One connection a request: closing it is what stops the server, because most
completions are ended here, at the end of their line, and not by the model. One candidate a request, whatever
is asked for. Log-probabilities come from llama-server only. What becomes of token healing: `remote_dialects`.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count

from midfill_model.ending import Ended, RawEnding, TextEnding, completion_of, ending_of
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    EngineState,
    EngineStatus,
    StatusListener,
    StopReason,
    TextListener,
    Timings,
    gives_way,
)
from midfill_model.errors import EngineError
from midfill_model.prompts.formats import PREFIX_ONLY, PromptFormat
from midfill_model.remote.dialects import (
    Delta,
    Dialect,
    Question,
    llama_server_dialects,
    openai_dialects,
    question_from,
)
from midfill_model.remote.http import Endpoint, HangUp, HungUp, JsonObject, Refusal, Unreachable

logger = logging.getLogger(__name__)

FIRST_BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 10.0
N_NAMED_MODELS = 5

_NOT_NOW = frozenset({401, 403, 429, 503})
_NOT_ASKED = frozenset({StopReason.NOTHING_TO_CONTINUE, StopReason.NOTHING_NEEDED})
_NOTHING_YET = Completion("", StopReason.DEADLINE)


class _Astray(Exception):
    """The answer does not begin with what it owes."""


@dataclass
class _Job:
    """A request under way, and what there is of its completion."""

    request: CompletionRequest
    on_text: TextListener | None
    future: Future[Completion] = field(default_factory=Future)
    hang_up: HangUp = field(default_factory=HangUp)
    started: float = field(default_factory=time.perf_counter)
    is_heard: bool = False  # the endpoint has said something, be it only how far it is
    first_token: float | None = None
    timer: threading.Timer | None = None
    draft: Completion = _NOTHING_YET
    ending: TextEnding = field(default_factory=RawEnding)

    def timings(self) -> Timings:
        """What it cost so far, in wall clock as seen from here."""
        now = time.perf_counter()
        read = self.first_token or now
        return replace(self.draft.timings, prompt_ms=(read - self.started) * 1000, decode_ms=(now - read) * 1000)

    def completion(self, ended: Ended) -> Completion:
        """The draft as it ended, or none of it where the model was not sure enough."""
        return replace(completion_of(ended, self.draft.logprobs, self.request.min_logprob), timings=self.timings())


class RemoteEngine:
    """One endpoint. While it cannot be reached, requests are answered empty at once and it is tried again.

    `prompt_format` is for endpoints that do not lay out a FIM prompt themselves: how their model was trained.
    `api_key` is the key itself. Raises EngineError for a url or key that cannot be right.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        api_key: str = "",
        *,
        prompt_format: PromptFormat = PREFIX_ONLY,
        max_prompt_tokens: int = 1024,
        on_status: StatusListener | None = None,
    ) -> None:
        self._endpoint = Endpoint.from_url(url, api_key)
        self._model = model
        self._prompt_format = prompt_format
        self._max_prompt_tokens = max_prompt_tokens
        self._on_status = on_status
        self._lock = threading.RLock()
        self._name = model or self._endpoint.url
        self._status = EngineStatus(EngineState.LOADING, self._name)
        self._dialects: tuple[Dialect, ...] = ()  # none while the endpoint is not known to answer
        self._pending: dict[int, _Job] = {}
        self._numbers = count()
        self._closed = threading.Event()
        self._settled = threading.Event()
        self._leave = HangUp()
        self._look_for_endpoint()

    @property
    def status(self) -> EngineStatus:
        """The present state."""
        return self._status

    def wait_until_loaded(self, timeout_s: float | None = None) -> EngineStatus:
        """Block until the endpoint answered or could not be reached."""
        self._settled.wait(timeout_s)
        return self._status

    def submit(self, request: CompletionRequest, on_text: TextListener | None = None) -> Future[Completion]:
        """See `Engine.submit`. There is nothing to warm up: what the endpoint keeps is its own concern."""
        job = _Job(request, on_text)
        with self._lock:
            why_not = self._why_not()
            if why_not is None and not request.limits.max_tokens:
                why_not = StopReason.MAX_TOKENS
            if why_not is not None:
                job.future.set_result(Completion("", why_not))
                return job.future
            for number, older in list(self._pending.items()):
                if gives_way(older.request, request):
                    self._end(number, Completion("", StopReason.SUPERSEDED))
            number = next(self._numbers)
            self._pending[number] = job
            self._arm(number, job, request.limits.prompt_ms)
            if not self._status.reason:
                self._set_status(EngineState.BUSY)
            work = (number, job, self._dialects)
        job.future.add_done_callback(
            lambda done: self._end(number, Completion("", StopReason.CANCELLED)) if done.cancelled() else None
        )
        threading.Thread(target=self._run, args=work, name="midfill-remote", daemon=True).start()
        return job.future

    def close(self) -> None:
        """See `Engine.close`."""
        self._closed.set()
        self._settled.set()
        self._leave()
        with self._lock:
            self._set_status(EngineState.CLOSED)
            for number in list(self._pending):
                self._end(number, Completion("", StopReason.CANCELLED))

    # Which endpoint it is

    def _look_for_endpoint(self) -> None:
        threading.Thread(target=self._look, name="midfill-remote-look", daemon=True).start()

    def _look(self) -> None:
        """Ask the endpoint what it is until it says so, less and less often."""
        back_off_s = FIRST_BACK_OFF_S
        while not self._closed.is_set():
            try:
                dialects = self._identify()
            except HungUp:
                return
            except EngineError as error:
                is_loading = isinstance(error, Refusal) and error.status == 503
                self._set_status(EngineState.LOADING if is_loading else EngineState.ERROR, str(error))
                if not is_loading:
                    self._settled.set()
            else:
                with self._lock:
                    self._dialects = dialects
                    self._set_status(EngineState.READY)
                self._settled.set()
                return
            self._closed.wait(back_off_s)
            back_off_s = min(2 * back_off_s, MAX_BACK_OFF_S)

    def _identify(self) -> tuple[Dialect, ...]:
        props = self._llama_server_props()
        if "default_generation_settings" in props:
            self._name = self._model or str(props.get("model_alias") or self._name).rpartition("/")[2]
            return llama_server_dialects(self._prompt_format)
        names = _model_names(self._endpoint.get("/v1/models", self._leave))
        if names and self._model and self._model not in names:
            offered = ", ".join(names[:N_NAMED_MODELS])
            raise EngineError(f"{self._endpoint.url} has no model {self._model}. It offers {offered}.")
        self._model = self._name = self._model or next(iter(names), "")
        return openai_dialects(self._prompt_format)

    def _llama_server_props(self) -> JsonObject:
        """What only llama-server tells about itself; nothing from any other server."""
        try:
            return self._endpoint.get("/props", self._leave)
        except Unreachable:
            raise
        except EngineError as error:
            if isinstance(error, Refusal) and error.status in _NOT_NOW:
                raise
            return {}

    # One request

    def _run(self, number: int, job: _Job, dialects: tuple[Dialect, ...]) -> None:
        try:
            completion = self._complete(job, number, dialects)
        except HungUp:
            return  # whoever hung up has answered
        except EngineError as error:
            self._fail(number, error)
        else:
            with self._lock:
                if self._dialects and completion.stop_reason not in _NOT_ASKED:
                    self._set_status(EngineState.BUSY)  # whatever was wrong with the endpoint is over
                self._end(number, completion)
        finally:
            self._end(number, Completion("", StopReason.ENGINE_FAILED))

    def _complete(self, job: _Job, number: int, dialects: tuple[Dialect, ...]) -> Completion:
        """Ask in the best way that the endpoint supports, and remember which that was."""
        best, *others = dialects
        try:
            return self._ask(job, number, best)
        except Refusal as refusal:
            if refusal.status not in best.unsupported or not others:
                raise
        completion = self._complete(job, number, tuple(others))
        with self._lock:
            if self._dialects == dialects:
                self._dialects = tuple(others)
        return completion

    def _ask(self, job: _Job, number: int, dialect: Dialect) -> Completion:
        question = question_from(job.request, dialect, self._model, self._prompt_format, self._max_prompt_tokens)
        if question is None:
            return Completion("", StopReason.NOTHING_TO_CONTINUE)
        job.ending = ending_of(job.request)
        if job.ending.needs_nothing:
            return Completion("", StopReason.NOTHING_NEEDED)
        try:
            return self._read(job, number, dialect, question)
        except _Astray:
            return self._read(job, number, dialect, question.unhealed())

    def _read(self, job: _Job, number: int, dialect: Dialect, question: Question) -> Completion:
        """Read the answer until the completion ends."""
        answer = ""
        n_tokens, n_owed_tokens = 0, 0
        logprobs: tuple[float, ...] = ()
        with closing(self._endpoint.stream(dialect.path, dialect.body(question), job.hang_up)) as events:
            for event in events:
                delta = self._delta(dialect, event)
                job.is_heard = True
                if delta.text or delta.stop:  # and no mere news of the prompt
                    self._note_first_token(number, job)
                answer += delta.text
                logprobs += delta.logprobs
                n_tokens = delta.n_completion_tokens or n_tokens + bool(delta.text)
                text = _paid(answer, question.owed)
                if not text:
                    n_owed_tokens = n_tokens
                timings = Timings(
                    n_prompt_tokens=delta.n_prompt_tokens or job.draft.timings.n_prompt_tokens,
                    n_reused_tokens=delta.n_reused_tokens or job.draft.timings.n_reused_tokens,
                    n_completion_tokens=n_tokens,
                )
                job.draft = Completion(text, StopReason.DEADLINE, timings, logprobs)
                stop = delta.stop
                if n_tokens - n_owed_tokens >= job.request.limits.max_tokens:
                    stop = StopReason.MAX_TOKENS
                ended = job.ending.cut(text) or (job.ending.finish(text, stop) if stop else None)
                if ended:
                    return job.completion(ended)
                if job.on_text:
                    job.on_text(text)
        if job.hang_up.is_done:
            raise HungUp
        raise Unreachable(f"{self._endpoint.url} ended an answer too early. See whether the server still runs.")

    def _delta(self, dialect: Dialect, event: JsonObject) -> Delta:
        try:
            return dialect.read(event)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            said = f"{self._endpoint.url} answers {dialect.path} with something else than a completion"
            raise EngineError(f"{said}. Is it a completion server?") from error

    def _note_first_token(self, number: int, job: _Job) -> None:
        """From here on the time for writing counts."""
        if job.first_token is None:
            job.first_token = time.perf_counter()
            with self._lock:
                self._arm(number, job, job.request.limits.decode_ms)

    def _arm(self, number: int, job: _Job, budget_ms: float | None) -> None:
        if job.timer is not None:
            job.timer.cancel()
            job.timer = None
        if budget_ms is not None and number in self._pending:
            job.timer = threading.Timer(budget_ms / 1000, self._run_out, (number, job, budget_ms))
            job.timer.daemon = True
            job.timer.start()

    def _run_out(self, number: int, job: _Job, budget_ms: float) -> None:
        """Answer with what there is at the deadline; silence until then is a problem to show."""
        with self._lock:
            if number not in self._pending:
                return
            self._end(number, job.completion(job.ending.finish(job.draft.text, StopReason.DEADLINE)))
            if not job.is_heard and self._dialects:
                silence = f"{self._endpoint.url} has not begun to answer within {budget_ms:.0f} ms"
                self._set_status(EngineState.ERROR, f"{silence}: overloaded, or too slow for such prompts.")

    # How it ends

    def _end(self, number: int, completion: Completion) -> None:
        """Answer a request once and stop whatever is still done for it."""
        with self._lock:
            job = self._pending.pop(number, None)
            if job is None:
                return
            if job.timer is not None:
                job.timer.cancel()
            if not self._pending and self._dialects and not self._status.reason:
                self._set_status(EngineState.READY)
        job.hang_up()
        if job.future.set_running_or_notify_cancel():
            job.future.set_result(completion)

    def _fail(self, number: int, error: EngineError) -> None:
        """The request ends empty. An endpoint that is gone is looked for, any other asked the next time."""
        with self._lock:
            if number not in self._pending:
                return
            self._set_status(EngineState.ERROR, str(error))
            if isinstance(error, Unreachable) and self._dialects:
                self._dialects = ()
                self._look_for_endpoint()
            self._end(number, Completion("", StopReason.ENGINE_FAILED))

    def _why_not(self) -> StopReason | None:
        """Why nothing can be asked now."""
        if self._closed.is_set():
            return StopReason.CANCELLED
        if self._dialects:
            return None
        is_loading = self._status.state is EngineState.LOADING
        return StopReason.LOADING if is_loading else StopReason.ENGINE_FAILED

    def _set_status(self, state: EngineState, reason: str = "") -> None:
        with self._lock:  # also around the listener: two threads must not report in the wrong order
            status = EngineStatus(state, self._name, reason)
            if status == self._status or self._status.state is EngineState.CLOSED:
                return
            self._status = status
            if state is EngineState.ERROR:
                logger.warning("%s", reason)
            if self._on_status:
                self._on_status(status)


def _paid(answer: str, owed: str) -> str:
    """The answer beyond what it owes; empty while it is still paying."""
    if answer.startswith(owed):
        return answer[len(owed) :]
    if owed.startswith(answer):
        return ""
    raise _Astray


def _model_names(models: JsonObject) -> list[str]:
    try:
        return [str(model["id"]) for model in models["data"]]
    except (LookupError, TypeError) as error:
        reason = "The endpoint answers /v1/models with something else than models. Is it a completion server?"
        raise EngineError(reason) from error
