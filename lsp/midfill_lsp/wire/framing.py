"""LSP base protocol framing: bytes in, decoded JSON out, however the bytes were cut up and whatever is wrong
with them.

No IO. What cannot be read becomes an `Unreadable` and reading goes on at the next `Content-Length` header,
also when that header was swallowed by a message whose length was wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_BODY_BYTES = 256 << 20  # no editor sends more; a larger length is a broken header
_MAX_HEADER_BYTES = 16 << 10
_LONGEST_LENGTH_HEADER = 64
_LENGTH = re.compile(rb"Content-Length:[ \t]*(-?\d{1,20})[ \t]*\r?\n", re.IGNORECASE)
_HEADER = re.compile(rb"[A-Za-z-]+:[^\r\n]*\r?\n?")


@dataclass(frozen=True)
class Unreadable:
    """Input that is no message; `in_header` when not even a frame could be made out."""

    reason: str
    in_header: bool


def encode_message(message: str) -> bytes:
    """A frame around JSON text."""
    body = message.encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class MessageReader:
    """Collects bytes and yields each message as soon as it is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._n_body_bytes: int | None = None  # as the header being read says
        self._in_body = False
        self._in_garbage = False  # a run of garbage is reported once, however many lines it has

    def feed(self, data: bytes) -> Iterator[object | Unreadable]:
        """Take in some bytes; yields decoded JSON values and `Unreadable`s."""
        self._buffer += data
        while True:
            if self._in_body and self._n_body_bytes is not None:
                if len(self._buffer) < self._n_body_bytes:
                    return
                yield self._take_body(self._n_body_bytes)
            else:
                line = self._take_line()
                if line is None:
                    return
                garbage = self._read_header(line)
                if garbage is not None and not self._in_garbage:
                    self._in_garbage = True
                    yield Unreadable(garbage, in_header=True)

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n") + 1
        if not end and len(self._buffer) > _MAX_HEADER_BYTES:
            end = len(self._buffer) - _LONGEST_LENGTH_HEADER  # the tail may be the beginning of a header
        if not end:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    def _read_header(self, line: bytes) -> str | None:
        """Take note of a header line; returns what is wrong with it."""
        length = _LENGTH.search(line)
        if length is not None:
            n_bytes = int(length[1])
            is_sane = 0 <= n_bytes <= MAX_BODY_BYTES
            self._n_body_bytes = n_bytes if is_sane else None
            if not is_sane:
                return "Content-Length out of range"
            return "bytes between two messages" if length.start() > 0 else None
        if not line.strip():
            self._in_body = self._n_body_bytes is not None
            return None
        return None if _HEADER.fullmatch(line) else "not a header"

    def _take_body(self, n_bytes: int) -> object | Unreadable:
        body = bytes(self._buffer[:n_bytes])
        self._n_body_bytes, self._in_body, self._in_garbage = None, False, False
        try:
            message: object = json.loads(body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            # Its length may be wrong, so the next header, or the beginning of one, is looked for inside it.
            swallowed = _LENGTH.search(body)
            n_skipped = swallowed.start() if swallowed else max(0, n_bytes - _LONGEST_LENGTH_HEADER)
            del self._buffer[:n_skipped]
            self._in_garbage = True
            return Unreadable("the body is not JSON in UTF-8", in_header=False)
        del self._buffer[:n_bytes]
        return message


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
