"""The remote engine against a stand-in endpoint: what it asks, and what it makes of every kind of answer.

A real llama-server is in tests/e2e/test_llama_server.py.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    Ending,
    EngineState,
    EngineStatus,
    Limits,
    Priority,
    Sampling,
    StopReason,
)
from midfill_model.errors import EngineError
from midfill_model.prompts.formats import MIDFILL
from midfill_model.remote.remote_engine import RemoteEngine

TIMEOUT_S = 10.0
PROPS = {"default_generation_settings": {}, "model_alias": "/models/small.gguf"}
NOT_SUPPORTED = {"error": {"code": 501, "message": "no FIM", "type": "not_supported_error"}}

Answer = Callable[["_Handler"], None]


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body:  # the client may have left already
            self._answer(json.loads(body))

    def _answer(self, body: dict[str, Any]) -> None:
        self.close_connection = True
        self.server.asked.append((self.path, body, dict(self.headers)))
        answer = self.server.answers.get(self.path, says({"error": {"code": 404}}, 404))
        with suppress(BrokenPipeError, ConnectionResetError):
            answer(self)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def has_left(self) -> bool:
        """Wait until the client closes the connection."""
        self.connection.settimeout(TIMEOUT_S)
        try:
            left = not self.connection.recv(1)
        except ConnectionResetError:
            left = True
        if left:
            self.server.n_left += 1
        return left


class StandIn(ThreadingHTTPServer):
    """An endpoint that answers each path as it is told, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, answers: dict[str, Answer], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.n_left = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for asked_path, body, _ in self.asked if asked_path == path]


def says(value: object, status: int = 200, content_type: str = "application/json") -> Answer:
    """One answer that is no stream; bytes as they are."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(handler: _Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def streams(*events: object, then: Callable[[_Handler], object] | None = None) -> Answer:
    """A stream of events; `then` what happens before its end, which an exception leaves out."""

    def answer(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in events:
            handler.chunk(b"data: %s\n\n" % (event if isinstance(event, bytes) else json.dumps(event).encode()))
        if then is not None:
            then(handler)
        handler.chunk(b"")

    return answer


def llama(*texts: str, stop: str = "eos", then: Callable[[_Handler], object] | None = None) -> Answer:
    """A stream as llama-server writes it, one token an event."""
    events: list[dict[str, Any]] = [
        {
            "content": text,
            "stop": False,
            "tokens_predicted": n,
            "completion_probabilities": [{"logprob": -0.5}],
            "timings": {"cache_n": 7, "prompt_n": 3},
        }
        for n, text in enumerate(texts, 1)
    ]
    if then is None:
        events.append({"content": "", "stop": True, "stop_type": stop, "tokens_predicted": len(texts)})
    return streams(*events, then=then)


def openai(*texts: str, finish: str = "stop") -> Answer:
    """A stream as OpenAI's completions write it."""
    events: list[object] = [{"choices": [{"text": text, "finish_reason": None}]} for text in texts]
    return streams(*events, {"choices": [{"text": "", "finish_reason": finish}]}, b"[DONE]")


def break_off(handler: _Handler) -> None:
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    raise BrokenPipeError


def wait_for_leaving(handler: _Handler) -> None:
    assert handler.has_left()


@contextmanager
def serving(port: int = 0) -> Iterator[StandIn]:
    """A llama-server whose model has no FIM and which completes `1`; tests change its answers."""
    answers = {"/props": says(PROPS), "/infill": says(NOT_SUPPORTED, 501), "/completion": llama("1")}
    with StandIn(answers, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[StandIn]:
    with serving() as server:
        yield server


@contextmanager
def engine_of(url: str, model: str = "", **options: Any) -> Iterator[RemoteEngine]:
    engine = RemoteEngine(url, model, **options)
    try:
        engine.wait_until_loaded(TIMEOUT_S)
        yield engine
    finally:
        engine.close()


def request(prefix: str = "x =", suffix: str = "\n", **options: Any) -> CompletionRequest:
    return CompletionRequest(Cursor("a.py", "python", prefix, suffix), ending=Ending.LINE, **options)


def complete(engine: RemoteEngine, *args: Any, **options: Any) -> Completion:
    return engine.submit(request(*args, **options)).result(TIMEOUT_S)


def wait_for_state(engine: RemoteEngine, state: EngineState) -> None:
    wait_for(lambda: engine.status.state is state, lambda: f"{state}, not {engine.status}")


def wait_for(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.01)


# What is asked


def test_llama_server_without_fim(endpoint: StandIn) -> None:
    with engine_of(endpoint.url) as engine:
        assert engine.status == EngineStatus(EngineState.READY, "small.gguf")
        completion = complete(engine, "x =", limits=Limits(max_tokens=9), sampling=Sampling(0.2, 0.9, 0.1, 5))
        assert (completion.text, completion.stop_reason) == ("1", StopReason.END_OF_TEXT)
        assert completion.logprobs == (-0.5,)
        timings = completion.timings
        assert (timings.n_prompt_tokens, timings.n_reused_tokens, timings.n_completion_tokens) == (10, 7, 1)
        assert timings.prompt_ms > 0
        complete(engine)
    assert len(endpoint.bodies("/infill")) == 1, "the 501 is remembered"
    body = endpoint.bodies("/completion")[0]
    assert body["prompt"] == "x ="
    assert (body["n_predict"], body["temperature"], body["top_p"]) == (9, 0.2, 0.9)
    assert (body["min_p"], body["seed"]) == (0.1, 5)


def test_llama_server_with_fim(endpoint: StandIn) -> None:
    endpoint.answers["/infill"] = llama("1")
    snippet = Snippet(Chunk("b.py", 1, 1, "y = 2\n"), 1.0, "imported")
    with engine_of(endpoint.url) as engine:
        assert complete(engine, "x =", "\nz = 3\n", snippets=(snippet,)).text == "1"
    body = endpoint.bodies("/infill")[0]
    assert (body["input_prefix"], body["input_suffix"]) == ("x =", "\nz = 3\n")
    assert body["input_extra"] == [{"filename": "b.py", "text": "y = 2\n"}]
    assert "model" not in body


def test_prefix_only_prompt_begins_with_the_snippets(endpoint: StandIn) -> None:
    snippet = Snippet(Chunk("b.py", 1, 1, "y = 2"), 1.0, "imported")
    with engine_of(endpoint.url) as engine:
        complete(engine, "x =", snippets=(snippet,))
    assert endpoint.bodies("/completion")[0]["prompt"] == "# b.py\ny = 2\nx ="


def test_openai(endpoint: StandIn) -> None:
    models = says({"data": [{"id": "first"}, {"id": "second"}]})
    endpoint.answers = {"/v1/models": models, "/v1/completions": openai("1", "2", finish="length")}
    with engine_of(f"{endpoint.url}/v1/") as engine:
        assert engine.status == EngineStatus(EngineState.READY, "first")
        completion = complete(engine, "x =", "\ny\n")
    assert (completion.text, completion.stop_reason) == ("12", StopReason.MAX_TOKENS)
    assert completion.timings.n_completion_tokens == 2
    body = endpoint.bodies("/v1/completions")[0]
    assert (body["model"], body["prompt"], body["suffix"]) == ("first", "x =", "\ny\n")


def test_openai_without_suffix(endpoint: StandIn) -> None:
    def answer(handler: _Handler) -> None:
        has_suffix = "suffix" in endpoint.asked[-1][1]
        (says({"error": {"type": "BadRequestError"}}, 400) if has_suffix else openai("1"))(handler)

    endpoint.answers = {"/v1/models": says({"data": []}), "/v1/completions": answer}
    with engine_of(endpoint.url, "m") as engine:
        assert complete(engine, "x =", "\ny\n").text == "1"
        assert complete(engine, "x =", "\ny\n").text == "1"
    assert ["suffix" in body for body in endpoint.bodies("/v1/completions")] == [True, False, False]


def test_format_is_laid_out_as_text(endpoint: StandIn) -> None:
    endpoint.answers = {"/v1/models": says({"data": [{"id": "m"}]}), "/v1/completions": openai("1")}
    snippet = Snippet(Chunk("b.py", 1, 1, "{y}"), 1.0, "imported")
    with engine_of(endpoint.url, prompt_format=MIDFILL) as engine:
        assert complete(engine, "x =", "\n", snippets=(snippet,)).text == "1"
    (body,) = endpoint.bodies("/v1/completions")
    assert body["prompt"] == "<file_sep>b.py\n{y}<file_sep>a.py\n<fim_prefix><fim_suffix>\n<fim_middle>x ="
    assert "suffix" not in body


def test_prompt_is_cut_to_its_budget(endpoint: StandIn) -> None:
    endpoint.answers["/infill"] = llama("1")
    prefix = "".join(f"x{n} = {n}\n" for n in range(5000))
    snippet = Snippet(Chunk("b.py", 1, 1, "y"), 1.0, "imported")
    with engine_of(endpoint.url, max_prompt_tokens=100) as engine:
        complete(engine, prefix + "x =", prefix, snippets=(snippet,))
    (body,) = endpoint.bodies("/infill")
    assert prefix.endswith(body["input_prefix"].removesuffix("x ="))
    assert prefix.startswith(body["input_suffix"])
    assert 100 < len(body["input_prefix"]) + len(body["input_suffix"]) <= 300


def test_nothing_to_continue(endpoint: StandIn) -> None:
    with engine_of(endpoint.url) as engine:
        assert complete(engine, "").stop_reason is StopReason.NOTHING_TO_CONTINUE
    assert not endpoint.bodies("/completion")


@pytest.mark.parametrize(
    ("prefix", "sent", "owed", "answer", "text"),
    [
        ("def f():\n    ", "def f():", "\n    ", ("\n   ", " return", " 1"), "return 1"),
        ("def f():\n    retu", "def f():", "\n    retu", ("\n   ", " return", " 1"), "rn 1"),
        ("x = self.na", "x = self", ".na", (".", "name"), "me"),
        ('x = "\\', 'x = "\\', "", ("n",), "n"),
        ("if x:\n\f\té", "if x:", "\n\f\té", ("\n\f\té", "t"), "t"),
        ("  ", "  ", "", ("x",), "x"),
    ],
    ids=[
        "indentation",
        "word in indentation",
        "attribute",
        "nothing owed",
        "control characters",
        "only white space",
    ],
)
def test_llama_server_is_held_to_what_was_taken_back(
    endpoint: StandIn, prefix: str, sent: str, owed: str, answer: tuple[str, ...], text: str
) -> None:
    endpoint.answers["/completion"] = llama(*answer)
    with engine_of(endpoint.url) as engine:
        assert complete(engine, prefix).text == text
    (body,) = endpoint.bodies("/completion")
    assert body["prompt"] == sent
    escaped = owed.replace("\n", "\\x0A").replace("\f", "\\x0C").replace("\t", "\\x09")
    assert body.get("grammar") == (f'root ::= "{escaped}" [^\\x00]*' if owed else None)


@pytest.mark.parametrize(
    ("answers", "text", "prompts"),
    [
        ([("\n", "    return")], "return", ["def f():"]),
        ([(" pass", "\n")], "return", ["def f():", "def f():\n    "]),
    ],
    ids=["brought back", "not brought back"],
)
def test_other_endpoints_bring_white_space_back_or_are_asked_again(
    endpoint: StandIn, answers: list[tuple[str, ...]], text: str, prompts: list[str]
) -> None:
    left = [*answers, ("return",)]
    endpoint.answers = {
        "/v1/models": says({"data": [{"id": "m"}]}),
        "/v1/completions": lambda handler: openai(*left.pop(0))(handler),
    }
    with engine_of(endpoint.url) as engine:
        assert complete(engine, "def f():\n    ").text == text
    assert [body["prompt"] for body in endpoint.bodies("/v1/completions")] == prompts


# Where it ends


def test_ends_at_the_end_of_the_line_and_hangs_up(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = llama("1", "\n", "y", then=wait_for_leaving)
    with engine_of(endpoint.url) as engine:
        completion = complete(engine)
        assert (completion.text, completion.stop_reason) == ("1", StopReason.LINE)
        wait_for(lambda: endpoint.n_left == 1, lambda: "the end of the connection")


def test_ends_at_max_tokens_whatever_the_endpoint_does(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = llama(*"abcdefgh")
    with engine_of(endpoint.url) as engine:
        completion = complete(engine, "x =", limits=Limits(max_tokens=3))
        assert (completion.text, completion.stop_reason) == ("abc", StopReason.MAX_TOKENS)


@pytest.mark.parametrize("how", ["cancel", "newer request", "close"])
def test_hangs_up(endpoint: StandIn, how: str) -> None:
    endpoint.answers["/completion"] = llama("1", then=wait_for_leaving)
    with engine_of(endpoint.url) as engine:
        future = engine.submit(request(client="a"))
        other = engine.submit(request(client="b"))
        wait_for(lambda: len(endpoint.bodies("/completion")) == 2, lambda: "both requests")
        assert engine.status.state is EngineState.BUSY
        started = time.monotonic()
        if how == "cancel":
            assert future.cancel()
        elif how == "newer request":
            endpoint.answers["/completion"] = llama("2")
            newer = engine.submit(request(client="a"))
            assert future.result(TIMEOUT_S) == Completion("", StopReason.SUPERSEDED)
            assert newer.result(TIMEOUT_S).text == "2"
        else:
            engine.close()
            assert future.result(TIMEOUT_S) == Completion("", StopReason.CANCELLED)
        wait_for(lambda: endpoint.n_left >= 1, lambda: "the end of the connection")
        assert time.monotonic() - started < 2
        assert other.done() == (how == "close")
    assert complete(engine) == Completion("", StopReason.CANCELLED)


def test_tells_the_text_while_it_is_written(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = llama("1", " +", " 2", "\n", then=wait_for_leaving)
    heard: list[str] = []
    with engine_of(endpoint.url) as engine:
        assert engine.submit(request(), heard.append).result(TIMEOUT_S).text == "1 + 2"
    assert heard == ["1", "1 +", "1 + 2"]


def test_whoever_types_ends_what_runs_in_the_background(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = llama("1", then=wait_for_leaving)
    with engine_of(endpoint.url) as engine:
        future = engine.submit(request(client="a", priority=Priority.BACKGROUND))
        wait_for(lambda: bool(endpoint.bodies("/completion")), lambda: "the request")
        endpoint.answers["/completion"] = llama("2")
        assert complete(engine).text == "2"
        assert future.result(0) == Completion("", StopReason.SUPERSEDED)


def test_a_warm_up_asks_nothing(endpoint: StandIn) -> None:
    with engine_of(endpoint.url) as engine:
        assert complete(engine, limits=Limits(0)) == Completion("", StopReason.MAX_TOKENS)
    assert not endpoint.bodies("/completion")


def test_deadline_for_writing(endpoint: StandIn) -> None:
    def drip(handler: _Handler) -> None:
        for _ in range(1000):
            handler.wfile.write(b"1\r\n \r\n")  # never a whole line, and never silent for long
            time.sleep(0.02)

    endpoint.answers["/completion"] = llama("1", " +", then=drip)
    with engine_of(endpoint.url) as engine:
        completion = complete(engine, limits=Limits(prompt_ms=5000, decode_ms=200))
        assert (completion.text, completion.stop_reason) == ("1 +", StopReason.DEADLINE)
        assert 150 < completion.timings.decode_ms < 2000
        assert engine.status.state is EngineState.READY


def test_deadline_for_the_prompt(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = wait_for_leaving
    with engine_of(endpoint.url) as engine:
        completion = complete(engine, limits=Limits(prompt_ms=200))
        assert (completion.text, completion.stop_reason) == ("", StopReason.DEADLINE)
        assert "not begun to answer within 200 ms" in engine.status.reason
        endpoint.answers["/completion"] = llama("1")
        assert complete(engine).text == "1"
        assert engine.status == EngineStatus(EngineState.READY, "small.gguf")


def test_slow_prompt_is_no_error(endpoint: StandIn) -> None:
    progress = {"content": "", "stop": False, "tokens_predicted": 0, "prompt_progress": {"processed": 64}}
    endpoint.answers["/completion"] = streams(progress, then=wait_for_leaving)
    with engine_of(endpoint.url) as engine:
        completion = complete(engine, limits=Limits(prompt_ms=2000, decode_ms=60_000))
        assert (completion.text, completion.stop_reason) == ("", StopReason.DEADLINE)
        assert engine.status == EngineStatus(EngineState.READY, "small.gguf")


# What goes wrong


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says({}, 401), "asks for an API key"),
        (says({}, 404), "Check the url"),
        (says({"error": {"type": "exceed_context"}}, 400), r"400 \(exceed_context\)"),
        (says(b"no JSON", 422), "HTTP 422. Check the model's name"),
        (says({}, 429), "too many requests"),
        (says({}, 500), "Its own log says why"),
        (says({}, 503), "Wait a moment"),
        (says({}, 302), "redirect, which is not followed"),
        (says(b"<html>"), "something else than HTTP and JSON"),
        (says([]), "something else than HTTP and JSON"),
        (says({"stop": False}), "something else than a completion"),
        (streams(b"{"), "something else than HTTP and JSON"),
        (streams(b"x" * (1 << 21)), "something else than HTTP and JSON"),
        (streams({"content": 1, "stop": False}), "something else than a completion"),
        (streams({"error": {"code": 500, "message": "secret"}}), "failed in the middle"),
        (lambda handler: handler.wfile.write(b"220 smtp\r\n"), "something else than HTTP"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_bad_answers(endpoint: StandIn, answer: Answer, reason: str) -> None:
    endpoint.answers["/completion"] = answer
    statuses: list[EngineStatus] = []
    with engine_of(endpoint.url, on_status=statuses.append) as engine:
        assert complete(engine) == Completion("", StopReason.ENGINE_FAILED)
        assert engine.status.state is EngineState.ERROR
        assert re.search(reason, engine.status.reason), engine.status.reason
        assert "secret" not in engine.status.reason
        endpoint.answers["/completion"] = llama("1")
        assert complete(engine).text == "1"
    states = [status.state.value for status in statuses]
    assert states == ["ready", "busy", "error", "busy", "ready", "closed"]


def test_no_redirect_is_followed(endpoint: StandIn) -> None:
    def redirect(handler: _Handler) -> None:
        handler.send_response(307)
        handler.send_header("Location", f"http://localhost:{endpoint.server_port}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    endpoint.answers = {"/props": redirect, "/v1/models": redirect}
    with engine_of(endpoint.url) as engine:
        assert "redirect" in engine.status.reason
    assert "/elsewhere" not in [path for path, _, _ in endpoint.asked]


def test_broken_off_and_back(endpoint: StandIn) -> None:
    endpoint.answers["/completion"] = llama("1", then=break_off)
    with engine_of(endpoint.url) as engine:
        future = engine.submit(request())
        endpoint.answers["/props"] = says({}, 503)
        assert future.result(TIMEOUT_S) == Completion("", StopReason.ENGINE_FAILED)
        assert complete(engine).stop_reason in (StopReason.ENGINE_FAILED, StopReason.LOADING)
        endpoint.answers |= {"/props": says(PROPS), "/completion": llama("1")}
        wait_for_state(engine, EngineState.READY)
        assert complete(engine).text == "1"


def test_nobody_listens_and_then_somebody_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    statuses: list[EngineStatus] = []
    with engine_of(f"http://127.0.0.1:{port}", "m", on_status=statuses.append) as engine:
        assert engine.status.state is EngineState.ERROR
        assert engine.status.reason.startswith(f"Nothing listens at http://127.0.0.1:{port}.")
        assert complete(engine) == Completion("", StopReason.ENGINE_FAILED)
        with serving(port):
            wait_for_state(engine, EngineState.READY)
            assert complete(engine).text == "1"
    assert [status.state.value for status in statuses] == ["error", "ready", "busy", "ready", "closed"]


def test_loading_is_no_error(endpoint: StandIn) -> None:
    endpoint.answers["/props"] = says({"error": {"code": 503, "message": "Loading model"}}, 503)
    engine = RemoteEngine(endpoint.url)
    try:
        wait_for(lambda: bool(endpoint.asked), lambda: "the first question")
        assert complete(engine) == Completion("", StopReason.LOADING)
        endpoint.answers["/props"] = says(PROPS)
        assert engine.wait_until_loaded(TIMEOUT_S).state is EngineState.READY
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1:{port}", "does not speak TLS"),
        ("http://midfill.invalid", "host name in http://midfill.invalid is not known"),
    ],
)
def test_unreachable(endpoint: StandIn, url: str, reason: str) -> None:
    with engine_of(url.format(port=endpoint.server_port)) as engine:
        assert engine.status.state is EngineState.ERROR
        assert reason in engine.status.reason


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8080", "ftp://host", "http://", "http://host:x", "http://host/?key=1", "http://host/a b"],
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(EngineError, match="must look like"):
        RemoteEngine(url)


def test_model_that_is_not_offered(endpoint: StandIn) -> None:
    endpoint.answers = {"/v1/models": says({"data": [{"id": "a"}, {"id": "b"}]})}
    with engine_of(endpoint.url, "c") as engine:
        assert engine.status.reason == f"{endpoint.url} has no model c. It offers a, b."


def test_no_completion_server(endpoint: StandIn) -> None:
    endpoint.answers = {"/props": says(b"<html>"), "/v1/models": says({"models": []})}
    with engine_of(endpoint.url) as engine:
        assert "Is it a completion server?" in engine.status.reason


# The API key


def test_api_key_is_sent_and_told_nobody(endpoint: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.answers["/completion"] = says({"error": {"message": "sesame is wrong"}}, 401)
    with engine_of(endpoint.url, api_key="sesame") as engine:
        complete(engine)
        assert "does not take the API key" in engine.status.reason
        assert "sesame" not in engine.status.reason + caplog.text + repr(vars(engine))
    assert {headers["Authorization"] for _, _, headers in endpoint.asked} == {"Bearer sesame"}


@pytest.mark.parametrize(
    ("url", "api_key", "reason"),
    [
        ("http://user:sesame@host", "", "user name or password"),
        ("http://host", "sesame\n", "no HTTP header can carry"),
        ("http://host", "sésame", "no HTTP header can carry"),
    ],
)
def test_keys_that_cannot_be_right(url: str, api_key: str, reason: str) -> None:
    with pytest.raises(EngineError, match=reason) as caught:
        RemoteEngine(url, api_key=api_key)
    assert "same" not in str(caught.value)
