"""The remote engine against llama.cpp's own server, with the default model."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.neovim import SERVER
from lsp_client import LspClient
from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.engine import CompletionRequest, EngineState, Limits, StopReason
from midfill_model.files.random_model import SHAPES, TokenType, Vocabulary, write_random_model
from midfill_model.local.waiting import waiting_environment
from midfill_model.remote import http as remote_http
from midfill_model.remote.remote_engine import RemoteEngine

pytestmark = pytest.mark.e2e

TIMEOUT_S = 60.0
ARITHMETIC = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return a - b\n\n\ndef multiply(a, b):"
LONG = "".join(f"value_{n} = compute_something({n})\n" for n in range(1000))


class LlamaServer:
    """A llama-server on a port of its own, that can be killed and started again."""

    def __init__(self, program: Path, model: Path, log: Path, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = str(unused.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        where = ["--host", "127.0.0.1", "--port", port]
        size = ["--ctx-size", "4096", "--parallel", "2", "--threads", "2", "--batch-size", "64"]
        self._command = [str(program), "--model", str(model), *where, *size, "--log-file", str(log), *options]
        self._log = log
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(self._command, env=waiting_environment(), stdout=quiet, stderr=quiet)
        return self.process

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def is_idle(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/slots", timeout=TIMEOUT_S) as answer:
            slots = json.load(answer)
        return not any(slot["is_processing"] for slot in slots)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else "(nothing)"

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.log()[-4000:]}"
            time.sleep(0.02)


Serve = Callable[..., LlamaServer]


@pytest.fixture
def serve(llama_server: Path, smollm2: Path, tmp_path: Path) -> Iterator[Serve]:
    """Starts llama-servers with the default model or another, and stops them with the test."""
    servers: list[LlamaServer] = []

    def start(*options: str, model: Path = smollm2) -> LlamaServer:
        servers.append(LlamaServer(llama_server, model, tmp_path / f"llama-server-{len(servers)}.log", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@contextmanager
def engine_of(server: LlamaServer, **options: Any) -> Iterator[RemoteEngine]:
    """An engine that is ready."""
    engine = RemoteEngine(server.url, **options)
    try:
        server.wait(lambda: engine.status.state is EngineState.READY, "the engine to be ready")
        yield engine
    finally:
        engine.close()


def request(prefix: str, suffix: str = "\n", **options: Any) -> CompletionRequest:
    return CompletionRequest(Cursor("a.py", "python", prefix, suffix), **options)


def test_completes_heals_and_reuses_the_prompt(serve: Serve, smollm2: Path) -> None:
    server = serve()
    with engine_of(server) as engine:
        assert engine.status.model == smollm2.name
        first = engine.submit(request(f"{ARITHMETIC}\n    return")).result(TIMEOUT_S)
        assert (first.text, first.stop_reason) == (" a * b", StopReason.STRUCTURE)
        assert first.timings.n_completion_tokens == len(first.logprobs) > 3
        assert all(logprob <= 0 for logprob in first.logprobs)
        for typed, rest in [("\n", "    return a * b"), ("\n    ", "return a * b"), ("\n    retu", "rn a * b")]:
            server.wait(server.is_idle, "the server to stop")  # else it takes another slot, which knows nothing
            completion = engine.submit(request(ARITHMETIC + typed)).result(TIMEOUT_S)
            assert completion.text == rest, typed
            assert completion.timings.n_reused_tokens > 20


def test_as_openai_compatible_endpoint(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteEngine, "_llama_server_props", lambda self: {})
    with engine_of(serve()) as engine:
        completion = engine.submit(request(f"{ARITHMETIC}\n    ", "\n\nprint(1)\n")).result(TIMEOUT_S)
        assert (completion.text, completion.stop_reason) == ("return a * b", StopReason.STRUCTURE)


def test_model_with_fim(serve: Serve, tmp_path: Path) -> None:
    model = tmp_path / "fim.gguf"
    write_random_model(model, SHAPES["tiny"], fim_vocabulary())
    server = serve("--log-verbosity", "5", model=model)
    snippet = Snippet(Chunk("b.py", 1, 1, "y = 2\n"), 1.0, "imported")
    with engine_of(server) as engine:
        asked = request("def f(x):\n    re", "\n", snippets=(snippet,), limits=Limits(max_tokens=8))
        completion = engine.submit(asked).result(TIMEOUT_S)
        assert completion.timings.n_prompt_tokens > 10
        assert completion.timings.n_completion_tokens
        assert engine.status.state is EngineState.READY
    assert "creating infill tasks" in server.log()
    assert "creating completion tasks" not in server.log()


@pytest.mark.parametrize("how", ["while it reads", "while it writes", "by a newer request", "at the end of the line"])
def test_server_stops_working(serve: Serve, how: str) -> None:
    server = serve()
    with engine_of(server) as engine:
        if how == "while it reads":
            future = engine.submit(request(LONG))
            server.wait(lambda: not server.is_idle(), "the server to begin")
            assert future.cancel()
        elif how == "while it writes":
            future = engine.submit(request("x = [1, 2,", "]\n", limits=Limits(max_tokens=3000)))
            server.wait(lambda: not server.is_idle(), "the server to begin")
            assert future.cancel()
        elif how == "by a newer request":
            future = engine.submit(request(LONG, client="a"))
            newer = engine.submit(request(f"{ARITHMETIC}\n    return", client="a"))
            assert future.result(TIMEOUT_S).stop_reason is StopReason.SUPERSEDED
            assert newer.result(TIMEOUT_S).text == " a * b"
        else:
            endless = request(f"{ARITHMETIC}\n    return", limits=Limits(max_tokens=3000))
            assert engine.submit(endless).result(TIMEOUT_S).stop_reason is StopReason.STRUCTURE
        started = time.monotonic()
        server.wait(server.is_idle, "the server to stop working")
        assert time.monotonic() - started < 3, "far less than what was asked for would have taken"


def test_killed_in_mid_request_and_back(serve: Serve) -> None:
    server = serve()
    with engine_of(server) as engine:
        future = engine.submit(request(LONG))
        server.wait(lambda: not server.is_idle(), "the server to begin")
        server.stop(signal.SIGKILL)
        completion = future.result(TIMEOUT_S)
        assert (completion.text, completion.stop_reason) == ("", StopReason.ENGINE_FAILED)
        server.wait(lambda: "Nothing listens" in engine.status.reason, "the engine to see it")
        assert engine.status.state is EngineState.ERROR
        server.start()
        server.wait(lambda: engine.status.state is EngineState.READY, "the engine to be back")
        assert engine.submit(request(f"{ARITHMETIC}\n    return")).result(TIMEOUT_S).text == " a * b"


def test_api_key(serve: Serve) -> None:
    server = serve("--api-key", "sesame")
    with engine_of(server, api_key="sesame") as engine:
        assert engine.submit(request(f"{ARITHMETIC}\n    return")).result(TIMEOUT_S).text == " a * b"
    wrong = RemoteEngine(server.url, api_key="wrong")
    try:
        assert "does not take the API key" in wrong.wait_until_loaded(TIMEOUT_S).reason
    finally:
        wrong.close()


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_tls(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = serve("--ssl-key-file", str(key), "--ssl-cert-file", str(certificate))
    server.url = server.url.replace("http:", "https:")
    remote_http._tls_context.cache_clear()
    distrusting = RemoteEngine(server.url)
    try:
        server.wait(lambda: "is not trusted" in distrusting.status.reason, "the certificate to be refused")
    finally:
        distrusting.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    remote_http._tls_context.cache_clear()
    with engine_of(server) as engine:
        assert engine.submit(request(f"{ARITHMETIC}\n    return")).result(TIMEOUT_S).text == " a * b"
        future = engine.submit(request(LONG))
        started = time.monotonic()
        engine.close()
        assert future.result(TIMEOUT_S).stop_reason is StopReason.CANCELLED
        assert time.monotonic() - started < 1
    remote_http._tls_context.cache_clear()


def test_language_server_with_a_remote_endpoint(serve: Serve) -> None:
    server = serve()
    with LspClient(command=[*SERVER]) as client:
        client.initialize(initializationOptions={"remote": {"url": server.url}, "decodeBudgetMs": 30_000})
        server.wait(lambda: _is_ready(client), "the language server to be ready")
        client.open("file:///a.py", f"{ARITHMETIC}\n    return")
        (item,) = client.items("file:///a.py", 9, 10)
        assert item["insertText"] == " a * b"
        server.stop(signal.SIGKILL)
        (known,) = client.items("file:///a.py", 9, 10)
        assert known["insertText"] == " a * b"
        client.change("file:///a.py", 2, {"text": f"{ARITHMETIC}\n    return b"})
        assert client.items("file:///a.py", 9, 12) == []
        shown = client.notification("window/showMessage", lambda shown: "Nothing listens" in shown["message"])
        assert server.url in shown["message"]
        assert client.shut_down() == 0


def _is_ready(client: LspClient) -> bool:
    return any(heard["params"]["state"] == "ready" for heard in client.heard("midfill/status"))


def fim_vocabulary() -> Vocabulary:
    """One piece a byte, in GPT-2's alphabet as far as it is needed, and StarCoder's sentinels."""
    alphabet = [*map(chr, range(ord("!"), ord("~") + 1)), "Ġ", "Ċ"]
    sentinels = [
        "<|endoftext|>",
        "<fim_prefix>",
        "<fim_middle>",
        "<fim_suffix>",
        "<fim_pad>",
        "<repo_name>",
        "<file_sep>",
    ]
    names = ["pre", "mid", "suf", "pad", "rep", "sep"]
    return Vocabulary(
        model="gpt2",
        pieces=(*sentinels, *alphabet, "in"),
        types=(*[TokenType.CONTROL] * len(sentinels), *[TokenType.NORMAL] * (len(alphabet) + 1)),
        merges=("i n",),
        pre="starcoder",
        bos_id=0,
        eos_id=0,
        metadata={f"tokenizer.ggml.fim_{name}_token_id": number for number, name in enumerate(names, 1)},
    )
