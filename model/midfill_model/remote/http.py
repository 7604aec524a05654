"""HTTP to one completion endpoint: exchanges that any thread can break off, and errors that say what to do.

It talks to the url it was given and to nothing else: no proxy, and no redirect is followed. The API key goes
into one header and into no message; neither do the endpoint's own words, which may quote the user's code.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from midfill_model.errors import EngineError

CONNECT_S = 5.0
STALL_S = 60.0  # silence after which an endpoint counts as dead where the request sets no deadline
MAX_ANSWER_BYTES = 1 << 20  # of one event, or of one answer that is no stream

JsonObject = Mapping[str, Any]


class HungUp(Exception):
    """The exchange was broken off from our side; seen by nobody."""


class Unreachable(EngineError):
    """No answer, or one that broke off."""


class Refusal(EngineError):
    """The endpoint answered with another HTTP status than 200, or with an error in the middle of a stream."""

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
                    # Wakes the thread that reads. The plain method: SSLSocket's own drops the TLS state that
                    # the reading thread is in.
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
        is_whole = not (parts.query or parts.fragment or re.search(r"\s", parts.path))
        if parts.scheme not in ("http", "https") or not host or not is_whole:
            raise EngineError("The endpoint's url must look like http://host:8080 or https://host/v1.")
        if parts.username is not None:
            raise EngineError("The endpoint's url holds a user name or password; use an API key instead.")
        if not api_key.isascii() or not api_key.isprintable():
            raise EngineError("The API key holds characters that no HTTP header can carry; check its source.")
        is_tls = parts.scheme == "https"
        root = parts.path.rstrip("/").removesuffix("/v1")
        headers = {"User-Agent": "midfill", "Content-Type": "application/json", "Connection": "close"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        return cls(url.strip(), is_tls, host, port or (443 if is_tls else 80), root, headers)

    def get(self, path: str, hang_up: HangUp) -> JsonObject:
        """The JSON object at a path; raises EngineError, HungUp."""
        with self._exchange("GET", path, None, hang_up, CONNECT_S) as answer:
            return _json_object(answer.read(MAX_ANSWER_BYTES), self.url)

    def stream(self, path: str, body: JsonObject, hang_up: HangUp) -> Generator[JsonObject, None, None]:
        """Post a request; the JSON objects of the answer as they arrive. Raises EngineError, HungUp."""
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
            with connection.getresponse() as answer:
                if answer.status != 200:
                    raise Refusal(answer.status, self._why_refused(answer, path))
                yield answer
        except (OSError, ValueError, http.client.HTTPException) as error:
            if hang_up.is_done:
                raise HungUp from None
            explained = Unreachable if _is_broken_off(error) else EngineError
            raise explained(self._why_broken(error)) from error
        finally:
            hang_up.detach()
            connection.close()

    def _connect(self, hang_up: HangUp) -> socket.socket:
        connected = socket.create_connection((self.host, self.port), CONNECT_S)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.is_tls:
                connected = _tls_context().wrap_socket(connected, server_hostname=self.host)
            hang_up.attach(connected)
        except BaseException:
            connected.close()
            raise
        return connected

    def _why_refused(self, answer: http.client.HTTPResponse, path: str) -> str:
        said = f"{self.url} answers {path} with HTTP {answer.status}"
        match answer.status:
            case 401 | 403 if "Authorization" in self.headers:
                return f"{said}: it does not take the API key. Check the key."
            case 401 | 403:
                return f"{said}: it asks for an API key. Name the environment variable that holds it."
            case 404 | 405:
                return f"{said}. Check the url, and that a completion server runs there."
            case 429:
                return f"{said}: too many requests. Wait, or raise the server's limit."
            case 503:
                return f"{said}: it is loading its model, or overloaded. Wait a moment."
            case status if status >= 500:
                return f"{said}: it failed. Its own log says why."
            case status if status < 400:
                return f"{said}: a redirect, which is not followed. Set the url it moved to."
            case _:
                said += _error_type(answer)
                return f"{said}. Check the model's name, and that its context holds prompt and completion."

    def _why_broken(self, error: Exception) -> str:
        if isinstance(error, ConnectionRefusedError):
            return f"Nothing listens at {self.url}. Start the server there, or correct the url."
        if isinstance(error, socket.gaierror):
            return f"The host name in {self.url} is not known. Check the url and the network."
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            return f"The certificate of {self.url} is not trusted ({why}). Add its authority to the system's."
        if isinstance(error, ssl.SSLError):
            return f"{self.url} does not speak TLS ({error.reason}). Is it an http:// server?"
        if isinstance(error, TimeoutError):
            return f"{self.url} does not answer. Check the network, and whether the server hangs."
        if isinstance(error, http.client.IncompleteRead | ConnectionError):
            return f"{self.url} broke off in the middle of an answer. See whether the server still runs."
        if isinstance(error, OSError):
            why = error.strerror or type(error).__name__
            return f"{self.url} cannot be reached ({why}). Check the url and the network."
        return f"{self.url} answers with something else than HTTP and JSON. Is it a completion server?"


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()  # reads every authority of the system's: tens of milliseconds


def _is_broken_off(error: Exception) -> bool:
    return isinstance(error, OSError | http.client.IncompleteRead)


def _json_object(text: bytes, url: str) -> JsonObject:
    value = json.loads(text)  # ValueError is explained by who holds the exchange
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    error = value.get("error")
    if error:
        status = error.get("code") if isinstance(error, dict) else None
        reason = f"{url} failed in the middle of an answer. Its own log says why."
        raise Refusal(status if isinstance(status, int) else 500, reason)
    return value


def _error_type(answer: http.client.HTTPResponse) -> str:
    """The kind of error as the endpoint names it, for the message; never its text."""
    with suppress(ValueError, LookupError, TypeError, OSError, http.client.HTTPException):
        kind = json.loads(answer.read(MAX_ANSWER_BYTES))["error"]["type"]
        if re.fullmatch(r"[\w.-]{1,40}", kind):
            return f" ({kind})"
    return ""
