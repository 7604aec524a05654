"""Messages between the engine and its worker."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.engine import Completion, CompletionRequest, Sampling, StopReason, Timings
from midfill_model.local.wire import (
    Cancel,
    Count,
    Counted,
    Done,
    EngineOptions,
    FromWorker,
    Load,
    Ready,
    Refused,
    Run,
    ToWorker,
    Written,
    receive,
    send,
)

REQUEST = CompletionRequest(
    Cursor("a b/ü🙂.py", "python", "def f(\0\ud800\u2028", "):\n" * 50_000),
    (Snippet(Chunk("b.py", 1, 2, "x"), 1.5, "imported"),),
    Sampling(0.5),
    client="editor",
)
ALTERNATIVE = Completion("b", StopReason.LINE, logprobs=(-0.5,))
COMPLETION = Completion("a\n", StopReason.SUFFIX, Timings(9, 8, 7, 6.5, 5.5), (-0.25, -1.0), (ALTERNATIVE,))
MESSAGES: list[ToWorker | FromWorker] = [
    Load(Path("/models/my model.gguf"), EngineOptions(n_ctx=256)),
    Run(1, REQUEST),
    Cancel(2, StopReason.SUPERSEDED),
    Count(3, ("x = 1", "")),
    Ready("aixcoder"),
    Refused("what to do"),
    Written(1, "é"),
    Counted(3, (3, 0)),
    Done(3, COMPLETION),
]


def test_all_messages_in_a_row() -> None:
    stream = io.BytesIO()
    for message in MESSAGES:
        send(stream, message)
    stream.seek(0)
    assert [receive(stream) for _ in MESSAGES] == MESSAGES
    with pytest.raises(EOFError):
        receive(stream)


@pytest.mark.parametrize("message", [*MESSAGES[2:], Run(1, CompletionRequest(Cursor("", "", "x", "")))], ids=repr)
def test_killed_in_the_middle_of_a_message(message: ToWorker | FromWorker) -> None:
    stream = io.BytesIO()
    send(stream, message)
    for n_bytes in range(len(stream.getvalue())):
        with pytest.raises(EOFError):
            receive(io.BytesIO(stream.getvalue()[:n_bytes]))


def test_a_pipe_nobody_reads() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    stream = os.fdopen(write_end, "wb", buffering=0)
    with stream, pytest.raises(OSError, match="Broken pipe"):
        send(stream, Ready("x"))


def test_a_message_is_flushed() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as source, os.fdopen(write_end, "wb") as target:
        send(target, Ready("x"))
        os.set_blocking(read_end, False)
        assert receive(source) == Ready("x")
