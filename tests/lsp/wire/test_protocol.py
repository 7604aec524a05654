"""JSON-RPC: each request gets exactly one answer, whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from lsp_client import LspClient, frame, inline_params

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
CANCELLED = -32800
INLINE = "textDocument/inlineCompletion"
GOOD = inline_params("file:///project/a.py", 0, 0)


def refusals(client: LspClient) -> int:
    """How many messages without a usable id were refused so far."""
    return len(client.answers.get(None, []))


def refusal_of(client: LspClient, data: bytes) -> int:
    """The code of the error that answers something without a usable id."""
    n_before = refusals(client)
    client.send_raw(data)
    client.result("workspace/executeCommand", {"command": "test.look"})
    assert refusals(client) == n_before + 1
    code: int = client.answers[None][-1]["error"]["code"]
    return code


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({**GOOD, "position": None}, id="no position"),
        pytest.param({"textDocument": GOOD["textDocument"], "position": GOOD["position"]}, id="no context"),
        pytest.param({**GOOD, "context": {"triggerKind": 9}}, id="unknown trigger kind"),
        pytest.param({**GOOD, "position": {"line": -1, "character": 0}}, id="negative line"),
        pytest.param({**GOOD, "position": {"line": "x", "character": 0}}, id="line in words"),
        pytest.param({**GOOD, "position": {"line": 1 << 40, "character": 0}}, id="line beyond 32 bits"),
        pytest.param({**GOOD, "textDocument": "file:///project/a.py"}, id="document as a string"),
        pytest.param([GOOD], id="an array"),
        pytest.param("text", id="a string"),
        pytest.param(7, id="a number"),
        pytest.param(None, id="null"),
    ],
)
def test_invalid_params_are_answered(client: LspClient, params: object) -> None:
    assert client.error_code(INLINE, params) == INVALID_PARAMS


def test_the_answer_names_the_invalid_fields_but_not_their_values(client: LspClient) -> None:
    answer = client.request(INLINE, {**GOOD, "position": {"line": "my secret", "character": 0}})
    assert answer["error"]["message"] == "invalid params: position.line"


@pytest.mark.parametrize(
    "method", ["textDocument/hover", "nonsense", "", "$/nonsense", "initialized", "exit", "textDocument/didOpen"]
)
def test_an_unknown_request_is_refused(client: LspClient, method: str) -> None:
    assert client.error_code(method, {}) == METHOD_NOT_FOUND


def test_a_second_initialize_is_refused(client: LspClient) -> None:
    assert client.error_code("initialize", {"capabilities": {}}) == INVALID_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "shutdown"}',
        b"[" * 5000,
    ],
)
def test_malformed_json_is_a_parse_error(client: LspClient, body: bytes) -> None:
    assert refusal_of(client, frame(body)) == PARSE_ERROR


@pytest.mark.parametrize(
    "header", [b"rubbish\r\n\r\n", b"Content-Length: -1\r\n\r\n", b"Content-Length: 99999999999999\r\n\r\n"]
)
def test_a_broken_header_is_a_parse_error(client: LspClient, header: bytes) -> None:
    assert refusal_of(client, header) == PARSE_ERROR


@pytest.mark.parametrize(
    "body", [b"[]", b'[{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}]', b"5", b'"x"', b"null", b"{}"]
)
def test_what_is_no_message_object_is_an_invalid_request(client: LspClient, body: bytes) -> None:
    assert refusal_of(client, frame(body)) == INVALID_REQUEST


@pytest.mark.parametrize("msg_id", ["null", "1.5", "true", "{}", "[1]"])
def test_an_id_that_is_none_is_an_invalid_request(client: LspClient, msg_id: str) -> None:
    body = f'{{"jsonrpc": "2.0", "id": {msg_id}, "method": "shutdown"}}'
    assert refusal_of(client, frame(body.encode())) == INVALID_REQUEST


@pytest.mark.parametrize("msg_id", [0, -1, 1 << 62, 10**40, "", "0", "é😀", "x" * 10_000])
def test_any_string_or_integer_is_an_id(client: LspClient, msg_id: Any) -> None:
    answer = client.answer(client.send("nonsense", {}, msg_id))
    assert answer["error"]["code"] == METHOD_NOT_FOUND


@pytest.mark.parametrize(
    "wrong", [{"jsonrpc": "1.0"}, {"jsonrpc": None}, {"jsonrpc": 2.0}, {"method": 5}, {"method": None}]
)
def test_a_message_that_is_not_json_rpc_is_refused_by_its_id(client: LspClient, wrong: dict[str, Any]) -> None:
    client.send_json({"jsonrpc": "2.0", "id": f"w{wrong}", "method": "shutdown", **wrong})
    assert client.answer(f"w{wrong}")["error"]["code"] == INVALID_REQUEST


def test_a_duplicate_id_is_refused_while_the_first_is_running(client: LspClient) -> None:
    client.command("test.script", {"delay_ms": 200})
    client.open("file:///project/dup.py", "x")
    client.send(INLINE, inline_params("file:///project/dup.py", 0, 1), "dup")
    client.send(INLINE, inline_params("file:///project/dup.py", 0, 1), "dup")
    client.wait(lambda: len(client.answers.get("dup", [])) == 2, "two answers")
    refused, answered = client.answers["dup"]
    client.command("test.script", {"delay_ms": 0})
    assert refused["error"]["code"] == INVALID_REQUEST
    assert len(answered["result"]["items"]) == 1


@pytest.mark.parametrize("kind", ["object", "nan", "set"])
def test_a_result_that_has_no_json_form_is_an_internal_error(client: LspClient, kind: str) -> None:
    params = {"command": "test.unserialisable", "arguments": [kind]}
    assert client.error_code("workspace/executeCommand", params) == INTERNAL_ERROR


@pytest.mark.parametrize("command", ["test.fail", "test.failLater"])
def test_a_failing_handler_tells_neither_traceback_nor_paths_nor_pops_up(client: LspClient, command: str) -> None:
    params = {"command": command, "arguments": ["/home/someone/secret.py"]}
    error = client.request("workspace/executeCommand", params)["error"]
    assert error == {
        "code": INTERNAL_ERROR,
        "message": "workspace/executeCommand failed; the server's log says where",
    }
    assert client.heard("window/showMessage") == []
    client.wait(lambda: "ValueError" in client.stderr, "the error in the log")
    assert "secret" not in client.stderr


@pytest.mark.parametrize(
    "params",
    [{"command": "no.such"}, {"command": "midfill.accept"}, {"command": "midfill.accept", "arguments": [1, 2, 3]}],
)
def test_a_command_with_wrong_arguments_is_refused(client: LspClient, params: object) -> None:
    assert client.error_code("workspace/executeCommand", params) == INVALID_PARAMS


@pytest.mark.parametrize("msg_id", [12345, "never sent", None, 1.5, True, [], {}])
def test_cancelling_what_is_unknown_is_ignored(client: LspClient, msg_id: object) -> None:
    n_before = refusals(client)
    client.notify("$/cancelRequest", {"id": msg_id})
    client.command("test.look")
    assert refusals(client) == n_before


@pytest.mark.parametrize("msg_id", [1, "x", None, [], 1 << 70])
@pytest.mark.parametrize(
    "outcome", [{"result": None}, {"error": {"code": 1, "message": ""}}, {"result": 1, "error": 5}]
)
def test_an_answer_to_no_request_is_ignored(client: LspClient, msg_id: object, outcome: dict[str, Any]) -> None:
    n_before = refusals(client)
    client.send_json({"jsonrpc": "2.0", "id": msg_id, **outcome})
    client.command("test.look")
    assert refusals(client) == n_before


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("nonsense", None),
        ("$/nonsense", [1]),
        (INLINE, GOOD),
        ("initialize", {"capabilities": {}}),
        ("textDocument/didOpen", {"textDocument": 5}),
        ("textDocument/didChange", {}),
        ("textDocument/didChange", {"textDocument": {"uri": "file:///no", "version": 1}, "contentChanges": []}),
        ("textDocument/didClose", {"textDocument": {"uri": "file:///no"}}),
        ("textDocument/didSave", {"textDocument": {"uri": "file:///no"}}),
        ("workspace/didChangeWorkspaceFolders", {"event": {}}),
        ("window/workDoneProgress/cancel", {"token": "t"}),
        ("$/setTrace", {"value": "verbose"}),
    ],
)
def test_a_notification_is_never_answered_nor_pops_up(client: LspClient, method: str, params: object) -> None:
    n_before = refusals(client)
    client.notify(method, params)
    client.command("test.look")
    assert refusals(client) == n_before
    assert client.heard("window/showMessage") == []


def test_a_stray_print_does_not_break_the_wire(client: LspClient) -> None:
    client.command("test.print", "Content-Length: 3")
    assert client.command("test.text", "file:///no") is None
    client.wait(lambda: "Content-Length: 3" in client.stderr, "the line on stderr")
