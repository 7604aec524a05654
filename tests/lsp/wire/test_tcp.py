"""`--tcp`: one client, from this machine only."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lsp_client import SERVER, TIMEOUT_S, frame, read_message
from midfill_lsp.wire.transport import parse_loopback


@contextmanager
def listening(address: str = "127.0.0.1:0") -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """A server process and where it listens."""
    with subprocess.Popen([*SERVER, "--tcp", address], stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        try:
            found = re.search(rb"listening on (.+):(\d+)\s", server.stderr.readline())
            assert found
            yield server, (found[1].decode(), int(found[2]))
        finally:
            server.kill()


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=TIMEOUT_S)


def call(connection: socket.socket, method: str, params: object) -> dict[str, Any]:
    """The answer to a request; notifications before it are dropped."""
    body = json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}).encode()
    connection.sendall(frame(body))
    with connection.makefile("rb") as stream:
        while (message := read_message(stream)) is not None:
            if message.get("id") == method:
                return message
    raise AssertionError("the server closed the connection")


def is_refused(where: tuple[str, int]) -> bool:
    """Whether a connection is not made, or ended at once."""
    try:
        with connect(where) as connection:
            return connection.recv(1) == b""
    except OSError:
        return True


def is_served(connection: socket.socket) -> bool:
    """Whether a connection is served rather than closed; one that is left hanging is an error."""
    try:
        return "result" in call(connection, "initialize", {"capabilities": {}})
    except (AssertionError, ConnectionError):
        return False


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0"])
def test_a_client_is_served_until_it_shuts_down(address: str) -> None:
    with listening(address) as (server, where), connect(where) as connection:
        assert call(connection, "initialize", {"capabilities": {}})["result"]["serverInfo"]["name"] == "midfill"
        assert call(connection, "shutdown", None)["result"] is None
        connection.sendall(frame(b'{"jsonrpc": "2.0", "method": "exit"}'))
        assert server.wait(TIMEOUT_S) == 0


def test_a_disconnect_ends_the_process() -> None:
    with listening() as (server, where):
        with connect(where) as connection:
            call(connection, "initialize", {"capabilities": {}})
        assert server.wait(TIMEOUT_S) == 1


def test_a_second_client_is_refused_and_the_first_goes_on() -> None:
    with listening() as (_, where), connect(where) as first:
        call(first, "initialize", {"capabilities": {}})
        assert is_refused(where)
        assert "error" in call(first, "nonsense", None)


def test_two_clients_at_the_same_time_are_not_both_served() -> None:
    with listening() as (_, where), connect(where) as first, connect(where) as second:
        assert sorted(is_served(connection) for connection in (first, second)) == [False, True]


def test_a_web_page_that_finds_the_port_is_not_served() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    request = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with listening() as (_, where), connect(where) as connection:
        connection.sendall(request.encode())
        assert connection.recv(100) == b""


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("0.0.0.0:9257", "only this machine may connect"),
        ("192.0.2.1:9257", "only this machine may connect"),
        ("example.org:9257", "only this machine may connect"),
        (":9257", "only this machine may connect"),
        ("[::]:9257", "only this machine may connect"),
        ("127.0.0.1", "write HOST:PORT"),
        ("127.0.0.1:http", "write HOST:PORT"),
        ("127.0.0.1:99999", "write HOST:PORT"),
    ],
)
def test_any_other_address_is_refused(address: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_loopback(address)


@pytest.mark.parametrize(
    ("address", "parsed"),
    [("127.0.0.1:9257", ("127.0.0.1", 9257)), ("localhost:0", ("localhost", 0)), ("[::1]:9257", ("::1", 9257))],
)
def test_this_machine_is_accepted(address: str, parsed: tuple[str, int]) -> None:
    assert parse_loopback(address) == parsed


def test_another_address_is_wrong_usage() -> None:
    done = subprocess.run([*SERVER, "--tcp", "0.0.0.0:0"], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 2
    assert "0.0.0.0: only this machine may connect" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run([*SERVER, "--tcp", address], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 1
    assert f"cannot serve {address}" in done.stderr
    assert "Traceback" not in done.stderr
