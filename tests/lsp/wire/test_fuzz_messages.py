"""Random messages, most of them wrong: the server lives and answers each request once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from lsp_client import LspClient, frame

Launch = Callable[..., LspClient]

N_MESSAGES = 2000
URIS = ["file:///project/a.py", "file:///project/b.py", "untitled:1", "", "file://[", "x" * 300]
NUMBERS: list[Any] = [0, 1, 7, -1, 1 << 31, 1 << 64, 1.5, True, None, "1", [], {}]
REQUESTS = [
    "textDocument/inlineCompletion",
    "textDocument/inlineCompletion",
    "workspace/executeCommand",
    "textDocument/hover",
    "initialize",
    "$/unknown",
    "textDocument/didOpen",
    "",
]
NOTIFICATIONS = [
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didChange",
    "textDocument/didClose",
    "textDocument/didSave",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWorkspaceFolders",
    "initialized",
    "$/cancelRequest",
    "$/setTrace",
    "textDocument/inlineCompletion",
    "shutdown",
    "nonsense",
]


class Fuzz:
    """Makes messages; remembers the ids of the requests that must be answered."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self.ids: list[str | int] = []

    def message(self) -> bytes:
        kinds = [self.request] * 6 + [self.notification] * 6 + [self.no_json_rpc] * 3 + [self.no_frame] * 2
        return self.chance.choice([*kinds, self.no_json, self.response, self.wrong_length])()

    def ballast(self) -> bytes:
        """More bytes than a message whose length is wrong can still swallow."""
        return b"".join(self.request() for _ in range(3))

    def request(self) -> bytes:
        return frame(self.body({"id": self.new_id(), "method": self.pick(REQUESTS), "params": self.params()}))

    def notification(self) -> bytes:
        return frame(self.body({"method": self.pick(NOTIFICATIONS), "params": self.params()}))

    def response(self) -> bytes:
        outcome = self.pick([{"result": self.junk()}, {"error": self.junk()}, {"result": 1, "error": 2}])
        return frame(self.body({"id": self.pick([*NUMBERS, "c1"]), **outcome}))

    def no_json_rpc(self) -> bytes:
        """JSON that is no message, or a request with something wrong in its envelope."""
        call = {"jsonrpc": "2.0", "method": "textDocument/inlineCompletion", "params": self.params()}
        kind = self.pick(["array", "scalar", "version", "method", "id"])
        if kind == "array":
            return frame(json.dumps([call] * self.pick([0, 1, 3])).encode())
        if kind == "scalar":
            return frame(json.dumps(self.junk()).encode() if self.pick([True, False]) else b'"text"')
        if kind == "id":
            return frame(json.dumps({**call, "id": self.pick([None, 1.5, True, [], {"a": 1}])}).encode())
        wrong = {"jsonrpc": self.pick(["1.0", 2, None])} if kind == "version" else {"method": self.pick([5, None, []])}
        return frame(json.dumps({**call, **wrong, "id": self.new_id()}).encode())

    def no_json(self) -> bytes:
        body = self.body({"method": "nonsense", "params": self.params()})
        cut = self.chance.randrange(len(body))
        return frame(self.pick([body[:cut], body[cut:], b"", b"\xff\xfe\x00", b"[" * 2000, b"{}}", bytes(20)]))

    def no_frame(self) -> bytes:
        noise = bytes(self.chance.choices(range(256), k=50))
        lengths = [b"-7", b"99999999999999999999", b"many", b"0"]
        headers = [b"Content-Length: %s\r\n\r\n" % length for length in lengths]
        other = [b"\r\n\r\n", b"rubbish\r\n", b"rubbish", b"Content-Type: text/plain\r\n\r\n", b"x" * 20_000]
        return self.chance.choice([*headers, *other, noise])

    def wrong_length(self) -> bytes:
        body = self.body({"method": "nonsense", "params": self.params()})
        length = max(1, len(body) + self.chance.randint(-20, 200))
        return b"Content-Length: %d\r\n\r\n%s" % (length, body)

    def body(self, fields: dict[str, Any]) -> bytes:
        has_surrogate = "ud800" in str(fields)  # which UTF-8 cannot say, but an escape can
        return json.dumps({"jsonrpc": "2.0", **fields}, ensure_ascii=has_surrogate or self.pick([True, False])).encode()

    def params(self) -> Any:
        """Params of some method, whole or with pieces missing or replaced."""
        position = {"line": self.pick(NUMBERS), "character": self.pick(NUMBERS)}
        span = self.pick([None, {"start": position, "end": {"line": 3, "character": 1}}])
        params: dict[str, Any] = {
            "textDocument": {"uri": self.pick(URIS), "languageId": "python", "version": 1, "text": "é😀\r\n\fx\n" * 3},
            "position": position,
            "context": {"triggerKind": self.pick([1, 2, 9, None])},
            "contentChanges": [{"text": "y\n", **({"range": span} if span else {})}],
            "settings": self.pick([{"maxTokens": 3}, {"nonsense": 1}, None, 5]),
            "event": {"added": [{"uri": "file:///w", "name": "w"}], "removed": []},
            "command": self.pick(["midfill.accept", "midfill.explain", "midfill.restartEngine", "test.fail", "no"]),
            "arguments": self.pick([[], ["1"], [self.junk()], None]),
            "id": self.pick([*self.ids[-3:], 12345, None]),
        }
        for name in self.chance.sample(sorted(params), k=self.pick([0, 0, 1, 3])):
            params[name] = self.junk()
        params["capabilities"] = 5  # never right, or one of the many would initialize the server
        return self.pick([params, params, params, params, self.junk()])

    def junk(self) -> Any:
        return self.pick([*NUMBERS, "text", {"a": {"b": [1, None]}}, [[[]]], "\ud800"])

    def new_id(self) -> str | int:
        number = len(self.ids)
        self.ids.append(self.pick([number + 1000, -number - 1000, 10**30 + number, f"é{number}", f"{number}" * 50]))
        return self.ids[-1]

    def pick(self, choices: Any) -> Any:
        return self.chance.choice(choices)


def test_2000_wrong_or_untimely_messages(launch: Launch) -> None:
    client, fuzz = launch(), Fuzz("messages")
    client.replies["workspace/configuration"] = [None]
    for number in range(N_MESSAGES):
        if number == 200:
            client.send_raw(fuzz.ballast())
            client.start()
        client.send_raw(fuzz.message())
    client.send_raw(fuzz.ballast())
    client.wait(lambda: all(msg_id in client.answers for msg_id in fuzz.ids), "an answer to every request")

    text = "still here: "
    client.open("file:///project/last.py", text)
    assert client.command("test.text", "file:///project/last.py") == text
    assert client.answer(client.ask("file:///project/last.py", 0, len(text)))["result"].keys() == {"items"}

    client.result("shutdown")
    n_before = len(fuzz.ids)
    for _ in range(200):
        client.send_raw(fuzz.message())
    client.send_raw(fuzz.ballast())
    client.wait(lambda: all(msg_id in client.answers for msg_id in fuzz.ids), "an answer to every late request")
    client.notify("exit")
    assert client.exit_code() == 0
    assert len(set(fuzz.ids)) == len(fuzz.ids) > 700
    assert [msg_id for msg_id in fuzz.ids if len(client.answers[msg_id]) != 1] == []
    late = {client.answers[msg_id][0]["error"]["code"] for msg_id in fuzz.ids[n_before:]}
    assert late == {-32600}
