"""HTTP to one completion endpoint: exchanges that any thread can break off, and errors in words that say what to do.

It talks to the url it was given and to nothing else: no proxy, and no redirect is followed. The API key goes into one
header and appears in no message; neither does what the endpoint says in words, which may quote the user's code.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from midfill_model.errors import EngineError

CONNECT_S = 5.0
STALL_S = 60.0  # silence after which an endpoint counts as dead where the request sets no deadline
MAX_ANSWER_BYTES = 1 << 20  # of one event, or of one answer that is no stream

JsonObject = Mapping[str, Any]


class HungUp(Exception):
    """The exchange was broken off from our side; seen by nobody."""


class Refusal(EngineError):
    """The endpoint answered with another HTTP status than 200."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class HangUp:
    """Breaks off whatever exchange it is attached to, and all later ones; from any thread, at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_done = False

    def attach(self, connected: socket.socket) -> None:
        """Watch over a connection; raises HungUp if it comes too late."""
        with self._lock:
            if self.is_done:
                raise HungUp
            self._socket = connected

    def detach(self) -> None:
        """The connection is about to be closed, and its file descriptor to become another one's."""
        with self._lock:
            self._socket = None

    def __call__(self) -> None:
        with self._lock:
            self.is_done = True
            if self._socket is not None:
                with suppress(OSError):
                    # Wakes the thread that reads. The plain one: SSLSocket's own forgets its TLS state, under which
                    # the reading thread would fall.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask. `root` is the path below which all others are, without a slash at its end."""

    url: str
    is_tls: bool
    host: str
    port: int
    root: str
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_url(cls, url: str, api_key: str = "") -> Endpoint:
        """The endpoint at a url such as `http://127.0.0.1:8080` or `https://host/v1`; raises EngineError."""
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            raise EngineError("The endpoint's url must look like http://host:8080 or https://host/v1.")
        if parts.username is not None:
            raise EngineError("The endpoint's url holds a user name or password; give a key as API key instead.")
        if not api_key.isascii() or not api_key.isprintable():
            raise EngineError("The API key holds characters that no HTTP header can carry; check where it comes from.")
        is_tls = parts.scheme == "https"
        root = parts.path.rstrip("/").removesuffix("/v1")
        headers = {"User-Agent": "midfill", "Content-Type": "application/json", "Accept": "text/event-stream, */*"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        return cls(url.strip(), is_tls, host, port or (443 if is_tls else 80), root, headers)

    def get(self, path: str, hang_up: HangUp) -> JsonObject:
        """The JSON object at a path; raises EngineError, HungUp."""
        with self._exchange("GET", path, None, hang_up, CONNECT_S) as answer:
            return _json_object(answer.read(MAX_ANSWER_BYTES), self.url)

    def stream(self, path: str, body: JsonObject, hang_up: HangUp) -> Iterator[JsonObject]:
        """Post a request; the JSON objects of the answer as they arrive, or the one it is. Raises EngineError, HungUp."""
        data = json.dumps(body).encode()
        with self._exchange("POST", path, data, hang_up, STALL_S) as answer:
            if "text/event-stream" not in answer.getheader("Content-Type", ""):
                yield _json_object(answer.read(MAX_ANSWER_BYTES), self.url)
                return
            while line := answer.readline(MAX_ANSWER_BYTES):
                if not line.startswith((b"data:", b"error:")):
                    continue  # comments that keep the connection alive, and the empty lines between events
                event = line.partition(b":")[2].strip()
                if event == b"[DONE]":
                    return
                yield _json_object(event, self.url)

    @contextmanager
    def _exchange(
        self, method: str, path: str, data: bytes | None, hang_up: HangUp, timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.host, self.port)
        try:
            connection.sock = self._connect(hang_up)
            connection.sock.settimeout(timeout_s)
            connection.request(method, self.root + path, data, dict(self.headers))
            answer = connection.getresponse()
            if answer.status != 200:
                raise Refusal(answer.status, self._why_refused(answer, path))
            yield answer
        except (OSError, ValueError, http.client.HTTPException) as error:
            if hang_up.is_done:
                raise HungUp from None
            raise EngineError(self._why_broken(error)) from error
        finally:
            hang_up.detach()
            connection.close()

    def _connect(self, hang_up: HangUp) -> socket.socket:
        connected = socket.create_connection((self.host, self.port), CONNECT_S)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.is_tls:
                connected = ssl.create_default_context().wrap_socket(connected, server_hostname=self.host)
            hang_up.attach(connected)
        except BaseException:
            connected.close()
            raise
        return connected

    def _why_refused(self, answer: http.client.HTTPResponse, path: str) -> str:
        status = answer.status
        if status in (401, 403):
            has_key = "Authorization" in self.headers
            return f"{self.url} {'refuses the API key' if has_key else 'asks for an API key'} (HTTP {status})."
        if 300 <= status < 400:
            return f"{self.url} redirects elsewhere (HTTP {status}), which is not followed; set the url it moved to."
        if status in (404, 405):
            return f"{self.url} has no {path} (HTTP {status}); check the url, and that a completion server runs there."
        if status == 429:
            return f"{self.url} allows no more requests for now (HTTP 429); wait, or raise its limit."
        if status == 503:
            return f"{self.url} is loading its model or overloaded (HTTP 503); wait a moment."
        if status >= 500:
            return f"{self.url} failed (HTTP {status}); its own log says why."
        kind = _error_type(answer)
        return (
            f"{self.url} refused the request (HTTP {status}{kind}); check the model's name, and that the server's "
            "context is longer than the prompt and the completion together."
        )

    def _why_broken(self, error: Exception) -> str:
        if isinstance(error, ConnectionRefusedError):
            return f"Nothing listens at {self.url}; start the server there, or correct the url."
        if isinstance(error, socket.gaierror):
            return f"The host name in {self.url} cannot be resolved; check the url and the network."
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            return f"The certificate of {self.url} is not trusted ({why}); add its authority to the system's."
        if isinstance(error, ssl.SSLError):
            return f"{self.url} does not speak TLS as it should ({error.reason}); is it an http:// server?"
        if isinstance(error, TimeoutError):
            return f"{self.url} does not answer; check the network, and whether the server hangs or is overloaded."
        if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead | ConnectionError):
            return f"{self.url} broke off in the middle of an answer; see whether the server still runs."
        if isinstance(error, OSError):
            return f"{self.url} cannot be reached ({error.strerror or type(error).__name__}); check url and network."
        return f"{self.url} answers with something else than HTTP and JSON; is it a completion server?"


def _json_object(text: bytes, url: str) -> JsonObject:
    value = json.loads(text)  # ValueError is explained by who holds the exchange
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    error = value.get("error")
    if error:
        status = error.get("code") if isinstance(error, dict) else None
        raise Refusal(status if isinstance(status, int) else 500, f"{url} failed in mid-answer; its own log says why.")
    return value


def _error_type(answer: http.client.HTTPResponse) -> str:
    """The kind of error as the endpoint names it, for the message; never its text."""
    with suppress(ValueError, AttributeError, OSError, http.client.HTTPException):
        kind = json.loads(answer.read(MAX_ANSWER_BYTES))["error"]["type"]
        if re.fullmatch(r"[\w.-]{1,40}", kind):
            return f", {kind}"
    return ""
