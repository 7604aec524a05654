"""From the first message to the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lsp_client import SERVER, LspClient, eventually, frame, inline_params

Launch = Callable[..., LspClient]

NOT_INITIALIZED, INVALID_REQUEST, CANCELLED = -32002, -32600, -32800
INLINE = "textDocument/inlineCompletion"
URI = "file:///project/a.py"


def busy(launch: Launch, delay_ms: int = 60_000) -> tuple[LspClient, str]:
    """A server with a request in flight, and its id."""
    client = launch()
    client.start()
    client.command("test.script", {"delay_ms": delay_ms})
    client.open(URI, "x = ")
    msg_id = client.ask(URI, 0, 4)
    assert eventually(lambda: client.command("test.look")["clients"] == [URI])
    return client, msg_id


def test_nothing_is_done_before_initialize(launch: Launch) -> None:
    client = launch()
    client.open(URI, "x")
    client.notify("initialized", {})
    assert client.error_code("shutdown") == NOT_INITIALIZED
    assert client.error_code(INLINE, inline_params(URI, 0, 0)) == NOT_INITIALIZED
    assert client.error_code("nonsense") == NOT_INITIALIZED
    client.start()
    assert client.command("test.text", URI) is None
    assert client.shut_down() == 0


def test_a_failed_initialize_may_be_tried_again(launch: Launch) -> None:
    client = launch()
    assert client.error_code("initialize", {}) == -32602
    client.start()
    assert client.shut_down() == 0


def test_requests_after_shutdown_are_refused(launch: Launch) -> None:
    client = launch()
    client.start()
    client.result("shutdown")
    for method in ("shutdown", "initialize", INLINE, "nonsense"):
        assert client.error_code(method, {}) == INVALID_REQUEST
    client.notify("exit")
    assert client.exit_code() == 0


def test_shutdown_answers_what_is_in_flight(launch: Launch) -> None:
    client, msg_id = busy(launch)
    client.result("shutdown")
    assert client.answers[msg_id][0]["error"]["code"] == CANCELLED
    client.notify("exit")
    assert client.exit_code() == 0


def test_shutdown_and_exit_in_one_go_answer_everything(launch: Launch) -> None:
    client, msg_id = busy(launch)
    messages = [{"jsonrpc": "2.0", "id": "s", "method": "shutdown"}, {"jsonrpc": "2.0", "method": "exit"}]
    client.send_raw(b"".join(frame(json.dumps(message).encode()) for message in messages))
    assert client.exit_code() == 0
    assert client.answers[msg_id][0]["error"]["code"] == CANCELLED
    assert len(client.answers["s"]) == 1


@pytest.mark.parametrize("is_initialized", [False, True])
def test_exit_without_shutdown_is_code_1(launch: Launch, is_initialized: bool) -> None:
    client = launch()
    if is_initialized:
        client.start()
    client.notify("exit")
    assert client.exit_code() == 1


def test_the_end_of_stdin_ends_the_server_although_a_request_is_running(launch: Launch) -> None:
    client, _ = busy(launch)
    started = time.monotonic()
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.exit_code() == 1
    assert time.monotonic() - started < 5


def test_the_end_of_stdin_after_shutdown_is_code_0(launch: Launch) -> None:
    client = launch()
    client.start()
    client.result("shutdown")
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.exit_code() == 0


def test_an_engine_that_does_not_close_cannot_keep_the_server_alive(launch: Launch) -> None:
    client = launch()
    client.start()
    client.command("test.hangOnClose")
    assert client.shut_down() == 0


def test_a_client_that_does_not_read_cannot_keep_the_server_alive() -> None:
    flood = b"".join(
        frame(json.dumps({"jsonrpc": "2.0", "id": number, "method": "nonsense"}).encode()) for number in range(5000)
    )
    with subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        server.stdin.write(flood)
        server.stdin.close()
        assert server.wait(15) == 1


def test_a_client_that_closes_the_servers_output_ends_it() -> None:
    with subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdout.close()
        server.stdin.write(frame(b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}'))
        server.stdin.flush()
        assert server.wait(10) == 1


def test_reading_goes_on_while_every_pool_of_threads_is_taken(launch: Launch) -> None:
    client = launch()
    client.start()
    client.open(URI, "x")
    client.command("test.blockThreads")
    started = time.monotonic()
    assert len(client.items(URI, 0, 1)) == 1
    assert time.monotonic() - started < 0.8  # the pools are taken for two seconds


def test_the_modules_of_a_workspace_do_not_shadow_those_of_the_server(launch: Launch, tmp_path: Path) -> None:
    for name in ("asyncio", "json", "pygls", "midfill_model"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the workspace')")
    client = launch(command=[sys.executable, "-I", "-m", "midfill_lsp"], folder=tmp_path)
    client.initialize(initializationOptions={"model": "no-such-model"})
    status = client.notification("midfill/status", lambda status: status["state"] == "error")
    assert "no-such-model" in status["reason"]
    assert client.shut_down() == 0
