"""A small LSP client over stdio, written against the specification alone and not with pygls.

It is strict: anything on the server's stdout that is no well-formed message fails the test that reads next.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

SERVER = [sys.executable, str(Path(__file__).with_name("scripted_server.py"))]
TIMEOUT_S = 10.0

Message = dict[str, Any]
SILENCE = object()  # an answer to a request of the server's that never comes
REFUSAL = object()  # one that is an error


class LspClient:
    """One server process and what it said so far."""

    def __init__(self, *arguments: str, command: list[str] | None = None, folder: Path | None = None) -> None:
        pipe = subprocess.PIPE
        started = [*(command or SERVER), *arguments]
        self.process = subprocess.Popen(started, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder)
        self.answers: dict[Any, list[Message]] = {}
        self.notifications: list[Message] = []
        self.asked: list[Message] = []  # requests of the server's
        self.replies: dict[str, Any] = {}  # what they are answered with, by method; null where nothing is said
        self.stderr = ""
        self.broken = ""  # what was wrong with the server's output
        self.is_over = False  # the server closed its output
        self._ids = itertools.count(1)
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> LspClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue

    # Sending

    def send_raw(self, data: bytes) -> None:
        with self._writing:
            assert self.process.stdin is not None
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def send_json(self, message: object) -> None:
        self.send_raw(frame(json.dumps(message).encode()))

    def notify(self, method: str, params: object = None) -> None:
        self.send_json({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, method: str, params: object = None, msg_id: Any = None) -> Any:
        """Send a request without waiting; returns its id."""
        msg_id = f"c{next(self._ids)}" if msg_id is None else msg_id
        self.send_json({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return msg_id

    def request(self, method: str, params: object = None) -> Message:
        """Send a request; returns its whole answer."""
        return self.answer(self.send(method, params))

    def result(self, method: str, params: object = None) -> Any:
        """Send a request; returns the result it must have."""
        answer = self.request(method, params)
        assert "result" in answer, answer
        return answer["result"]

    def error_code(self, method: str, params: object = None) -> int:
        """Send a request; returns the code of the error it must have."""
        answer = self.request(method, params)
        assert "error" in answer, answer
        code: int = answer["error"]["code"]
        return code

    def command(self, name: str, *arguments: object) -> Any:
        return self.result("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    def refused(self, name: str, *arguments: object) -> str:
        """Run a command that cannot be fulfilled; returns what the user is told of that."""
        error = self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})["error"]
        assert error["code"] == -32803, error
        message: str = error["message"]
        return message

    # Receiving

    def answer(self, msg_id: Any) -> Message:
        """The answer to a request sent before."""
        self.wait(lambda: bool(self.answers.get(msg_id)), f"an answer to {msg_id!r}")
        return self.answers[msg_id][-1]

    def notification(self, method: str, where: Callable[[Any], bool] = lambda params: True) -> Any:
        """The params of the first notification of the kind, waiting for it if need be."""

        def found() -> list[Any]:
            return [heard["params"] for heard in self.heard(method) if where(heard["params"])]

        self.wait(lambda: bool(found()), f"a notification {method}")
        return found()[0]

    def heard(self, method: str) -> list[Message]:
        """The notifications of a kind so far."""
        return [notification for notification in self.notifications if notification["method"] == method]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._news:
            self._news.wait_for(lambda: condition() or self.is_over, TIMEOUT_S)
        assert not self.broken, f"{self.broken}\n{self.stderr}"
        assert condition(), f"waited in vain for {what}\n{self.stderr}"

    # Life cycle

    def initialize(self, **params: Any) -> Message:
        """Shake hands; returns the server's capabilities."""
        result = self.result("initialize", {"processId": None, "rootUri": None, "capabilities": {}, **params})
        self.notify("initialized", {})
        capabilities: Message = result["capabilities"]
        return capabilities

    def start(self, **params: Any) -> Message:
        """Shake hands and wait for the engine; returns the server's capabilities."""
        capabilities = self.initialize(**params)
        self.notification("midfill/status", lambda status: status["state"] == "ready")
        return capabilities

    def exit_code(self) -> int:
        """Wait for the end of the process."""
        code = self.process.wait(TIMEOUT_S)
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        return code

    def shut_down(self) -> int:
        assert self.result("shutdown") is None
        self.notify("exit")
        return self.exit_code()

    # Documents

    def open(self, uri: str, text: str, language_id: str = "python", version: int = 1) -> None:
        item = {"uri": uri, "languageId": language_id, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: Message) -> None:
        params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)}
        self.notify("textDocument/didChange", params)

    def ask(self, uri: str, line: int, character: int, **context: object) -> Any:
        """Ask for an inline completion without waiting; returns the id."""
        return self.send("textDocument/inlineCompletion", inline_params(uri, line, character, **context))

    def items(self, uri: str, line: int, character: int, **context: object) -> list[Message]:
        """Ask for an inline completion; returns its items."""
        result = self.answer(self.ask(uri, line, character, **context))["result"]
        assert set(result) == {"items"}
        items: list[Message] = result["items"]
        return items

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while (message := read_message(self.process.stdout)) is not None:
                self._take(message)
        except (ValueError, AssertionError) as error:
            self.broken = f"the server's output is broken: {error}"
        with self._news:
            self.is_over = True
            self._news.notify_all()

    def _take(self, message: Message) -> None:
        assert message["jsonrpc"] == "2.0", message
        with self._news:
            if "method" not in message:
                assert ("result" in message) != ("error" in message), message
                self.answers.setdefault(message["id"], []).append(message)
            elif "id" in message:
                self.asked.append(message)
            else:
                self.notifications.append(message)
            self._news.notify_all()
        if "method" in message and "id" in message:
            reply = self.replies.get(message["method"])
            if reply is REFUSAL:
                error = {"code": -32601, "message": "this client does not do that"}
                self.send_json({"jsonrpc": "2.0", "id": message["id"], "error": error})
            elif reply is not SILENCE:
                self.send_json({"jsonrpc": "2.0", "id": message["id"], "result": reply})

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.stderr += line.decode()
                self._news.notify_all()


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_message(stream: IO[bytes]) -> Message | None:
    """One message; `None` at the end of the stream, an error for anything else that is no message."""
    header = stream.readline()
    if not header:
        return None
    assert header.startswith(b"Content-Length: "), header
    length = int(header.removeprefix(b"Content-Length: "))
    assert stream.readline() == b"\r\n"
    message = json.loads(stream.read(length))
    assert isinstance(message, dict), message
    return message


def inline_params(uri: str, line: int, character: int, **context: object) -> Message:
    """A request as somebody types, unless `context` says otherwise."""
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2, **context}}


def replacement(first: tuple[int, int], last: tuple[int, int], text: str) -> Message:
    """A content change: the text between two positions is replaced."""
    start, end = ({"line": line, "character": character} for line, character in (first, last))
    return {"range": {"start": start, "end": end}, "text": text}


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true before the time is out."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()
