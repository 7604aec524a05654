"""The two ways to a client: stdin and stdout, or one connection on a loopback port.

Reading and writing stdio have a thread each, so that neither a slow client nor anyone's thread pool can hold
up the event loop. The process ends when the client says `exit` or goes away, and does not wait for running
work."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from midfill_lsp.wire.framing import MessageReader, Unreadable
from midfill_lsp.wire.protocol import MidfillProtocol

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
_FLUSH_S = 2.0


@dataclass(frozen=True)
class StdioPipes:
    """File descriptors of the wire that nothing else in the process knows."""

    reading: int
    writing: int


def claim_stdio() -> StdioPipes:
    """Take stdin and stdout for the wire.

    Afterwards a stray `print`, here or in a child process, goes to stderr, and nothing else can read the
    client's messages."""
    pipes = StdioPipes(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipes


async def serve_stdio(protocol: MidfillProtocol, pipes: StdioPipes) -> int:
    """Serve the client at the other end of the pipes; returns the exit code."""
    wire = _StdioWire(protocol, pipes)
    protocol.connect(wire)
    wire.start()
    exit_code = await wire.ended
    await protocol.settle()
    wire.flush()
    return exit_code


async def serve_tcp(protocol: MidfillProtocol, host: str, port: int) -> int:
    """Serve the first client that connects; returns the exit code. `OSError` when the port cannot be had."""
    loop = asyncio.get_running_loop()
    wire = _TcpWire(protocol)
    listening = await loop.create_server(wire.accept, host, port)
    wire.listening = listening
    address, bound_port, *_ = listening.sockets[0].getsockname()
    logger.warning("listening on %s:%s", address, bound_port)
    exit_code = await wire.ended
    await protocol.settle()
    wire.close()
    return exit_code


def parse_loopback(address: str) -> tuple[str, int]:
    """`HOST:PORT` of this machine; `ValueError` saying what to write instead of anything else."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{address}: write HOST:PORT, such as 127.0.0.1:9257")
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"{host or address}: only this machine may connect; use 127.0.0.1, ::1 or localhost")
    return host, int(port)


class _StdioWire:
    def __init__(self, protocol: MidfillProtocol, pipes: StdioPipes) -> None:
        self._protocol = protocol
        self._pipes = pipes
        self._reader = MessageReader()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._writing = threading.Thread(target=self._write_all, name="wire-out", daemon=True)
        self.ended: asyncio.Future[int] = self._loop.create_future()

    def start(self) -> None:
        threading.Thread(target=self._read_all, name="wire-in", daemon=True).start()
        self._writing.start()

    def write(self, data: bytes) -> None:
        self._outgoing.put(data)

    def end(self, exit_code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(exit_code)

    def flush(self) -> None:
        """Wait until all is written, unless the client does not read."""
        self._outgoing.put(None)
        self._writing.join(_FLUSH_S)

    def _receive(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            if self.ended.done():
                return
            self._protocol.handle_message(message)

    def _read_all(self) -> None:
        with suppress(OSError):
            while data := os.read(self._pipes.reading, _CHUNK_BYTES):
                self._on_loop(self._receive, data)
        self._on_loop(self._protocol.hang_up)

    def _write_all(self) -> None:
        try:
            while (data := self._outgoing.get()) is not None:
                _write_fully(self._pipes.writing, data)
        except OSError:
            self._on_loop(self._protocol.hang_up)

    def _on_loop(self, call: Callable[..., None], *args: object) -> None:
        with suppress(RuntimeError):  # the loop ended before the client did
            self._loop.call_soon_threadsafe(call, *args)


def _write_fully(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class _TcpWire(asyncio.Protocol):
    def __init__(self, protocol: MidfillProtocol) -> None:
        self._protocol = protocol
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self._is_taken = False
        self.listening: asyncio.Server | None = None
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accept(self) -> asyncio.BaseProtocol:
        """Who speaks with the next client: this for the first; several may be accepted before one is served."""
        is_first, self._is_taken = not self._is_taken, True
        return self if is_first else _Refusal()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._protocol.connect(self)
        if self.listening is not None:
            self.listening.close()  # who comes second is refused by the system

    def data_received(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            if self.ended.done():
                return
            if isinstance(message, Unreadable) and message.in_header:
                # No editor speaks like this, but a web page that found the port does.
                logger.error("closed a connection that does not speak LSP")
                self.close()
                return
            self._protocol.handle_message(message)

    def connection_lost(self, error: Exception | None) -> None:
        self._protocol.hang_up()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def end(self, exit_code: int) -> None:
        if not self.ended.done():
            self.ended.set_result(exit_code)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Refusal(asyncio.Protocol):
    """What meets a second client: a connection would let it read the first one's completions."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()
