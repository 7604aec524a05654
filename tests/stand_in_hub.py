"""A model hub on loopback: what huggingface_hub asks for when it gets one file, and how that goes wrong."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import unquote

COMMIT = "c0ffee" * 6 + "c0ff"


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    user_agent: str


@dataclass
class StandInHub:
    """One file of one repository, and how the hub behaves."""

    repo: str
    file: str
    content: bytes
    endpoint: str = ""
    sha256: str | None = None  # published; by default the true one
    error: tuple[int, str] | None = None  # status and X-Error-Code of every answer
    break_after: int | None = None  # bytes of a GET after which the connection is cut, once
    stall_after: int | None = None  # bytes of a GET after which nothing more comes
    ignores_ranges: bool = False
    requests: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def downloads(self) -> list[Request]:
        return [request for request in self.requests if request.method == "GET" and "/cdn/" in request.path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> StandInHub:
        return cast(_Server, self.server).hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        get = self.headers.get
        path = unquote(self.path)
        self.hub.requests.append(Request(self.command, path, get("Range"), get("Authorization"), get("User-Agent", "")))
        if self.hub.error is not None:
            status, code = self.hub.error
            self._head(status, {"X-Error-Code": code, "Content-Length": "0"})
        elif path.startswith("/cdn/"):
            self._send_content()
        elif path.startswith(f"/{self.hub.repo}/resolve/") and path.endswith(f"/{self.hub.file}"):
            self._redirect()
        else:
            self._head(404, {"X-Error-Code": "EntryNotFound", "Content-Length": "0"})

    def _redirect(self) -> None:
        """As the real hub does for large files: to another host; hash and size are in the headers."""
        sha256 = self.hub.sha256 or hashlib.sha256(self.hub.content).hexdigest()
        port = cast(_Server, self.server).server_port
        self._head(
            302,
            {
                "Location": f"http://localhost:{port}/cdn/{self.hub.file}",
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(self.hub.content)),
                "Content-Length": "0",
            },
        )

    def _send_content(self) -> None:
        content = self.hub.content
        start = 0
        asked = self.headers.get("Range")
        if asked and not self.hub.ignores_ranges:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self._head(206, {**headers, "Content-Length": str(len(content) - start)})
        else:
            self._head(200, {"Content-Length": str(len(content)), "ETag": '"cdn"'})
        if self.command == "HEAD":
            return
        if self.hub.break_after is not None:
            self.wfile.write(content[start : start + self.hub.break_after])
            self.hub.break_after = None
            self.close_connection = True
        elif self.hub.stall_after is not None:
            self.wfile.write(content[start : start + self.hub.stall_after])
            self.wfile.flush()
            self.hub.released.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(content[start:])

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    hub: StandInHub
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed in the middle of a download are part of the tests."""


@contextmanager
def serving(hub: StandInHub) -> Iterator[StandInHub]:
    """Serve `hub` until the end of the block; its address is `hub.endpoint`."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.hub = hub
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
            thread.join()
