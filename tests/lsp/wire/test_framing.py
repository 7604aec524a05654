"""Framing: every cut of the bytes gives the same messages, and broken ones do not take the next with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfill_lsp.wire.framing import MAX_BODY_BYTES, MessageReader, Unreadable, encode_message

PING = encode_message('{"id": 1}')
PONG = encode_message('{"id": 2}')


def read(data: bytes) -> list[object]:
    """Messages as decoded, what is unreadable as its reason."""
    messages = MessageReader().feed(data)
    return [message.reason if isinstance(message, Unreadable) else message for message in messages]


@given(st.lists(st.integers(1, 40), max_size=20))
def test_any_cut_gives_the_same_messages(cuts: list[int]) -> None:
    data = PING + b"rubbish\r\n" + encode_message('"é😀"') + PONG
    reader, start = MessageReader(), 0
    found: list[object] = []
    for size in [*cuts, len(data)]:
        found += reader.feed(data[start : start + size])
        start += size
    assert found == [{"id": 1}, Unreadable("not a header", True), "é😀", {"id": 2}]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 9\r\n\r\n",
        b"Content-Length:9\r\n\r\n",
        b"Content-Length: 9\n\n",
        b"Content-Length: 9\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        b"X-Unknown: 1\r\nContent-Length: 9\r\n\r\n",
        b"\r\n\r\nContent-Length: 9\r\n\r\n",
    ],
)
def test_headers_that_will_do(header: bytes) -> None:
    assert read(header + b'{"id": 1}' + PONG) == [{"id": 1}, {"id": 2}]


NOT_JSON = "the body is not JSON in UTF-8"


@pytest.mark.parametrize(
    ("broken", "reasons"),
    [
        pytest.param(b"rubbish\r\nmore of it\r\n", ["not a header"], id="rubbish is reported once"),
        pytest.param(b"rubbish", ["bytes between two messages"], id="rubbish on the header's line"),
        pytest.param(b"Content-Length: -5\r\n\r\n{}", ["Content-Length out of range"], id="negative length"),
        pytest.param(
            b"Content-Length: %d\r\n\r\n{}" % (MAX_BODY_BYTES + 1), ["Content-Length out of range"], id="absurd length"
        ),
        pytest.param(b"Content-Length: ten\r\n\r\n{}\r\n", ["not a header"], id="length in words"),
        pytest.param(b"Content-Length: 0\r\n\r\n", [NOT_JSON], id="no body"),
        pytest.param(b'Content-Length: 30\r\n\r\n{"id": 9}', [NOT_JSON], id="length swallows the next header"),
        pytest.param(b'Content-Length: 15\r\n\r\n{"id": 9}', [NOT_JSON], id="length swallows half the next header"),
        pytest.param(b'Content-Length: 4\r\n\r\n{"id": 9}', [NOT_JSON], id="length cuts"),
        pytest.param(encode_message("{"), [NOT_JSON], id="malformed"),
        pytest.param(encode_message("[NaN]"), [NOT_JSON], id="a constant JSON does not have"),
        pytest.param(b'Content-Length: 4\r\n\r\n"\xff\xfe"', [NOT_JSON], id="not UTF-8"),
        pytest.param(encode_message("[" * 100_000), [NOT_JSON], id="nested too deeply"),
        pytest.param(encode_message("9" * 10_000), [NOT_JSON], id="a number of 10,000 digits"),
        pytest.param(b"x" * 100_000, ["bytes between two messages"], id="a very long line"),
    ],
)
def test_reading_goes_on_after_what_is_broken(broken: bytes, reasons: list[str]) -> None:
    assert read(PING + broken + PONG) == [{"id": 1}, *reasons, {"id": 2}]


def test_an_endless_line_is_not_kept() -> None:
    reader = MessageReader()
    found = [message for _ in range(100) for message in reader.feed(b"x" * 10_000)]
    assert found == [Unreadable("not a header", True)]
    assert list(reader.feed(PONG)) == [{"id": 2}]


def test_a_message_is_framed_in_bytes() -> None:
    header, _, body = encode_message(json.dumps("é", ensure_ascii=False)).partition(b"\r\n\r\n")
    assert header == b"Content-Length: 4"
    assert body.decode() == '"é"'
