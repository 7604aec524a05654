"""llama.vim's side of the benchmark: what it asks when, what it shows and what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from midfill_lsp.bench.latency.llama_server import LlamaServer
from midfill_lsp.bench.latency.llama_vim import LlamaVim
from midfill_lsp.bench.latency.playing import Origin
from midfill_lsp.bench.latency.script import Buffer, Edit, Shown

TEXT = "def f():\n    \n\nprint(f())\n"
PLACE = len("def f():\n    ")
Request = dict[str, Any]


class ScriptedServer:
    """Answers with the texts given, one after the other, and notes what it was asked; held until released."""

    def __init__(self, *texts: str) -> None:
        self.asked: list[Request] = []
        self.released = asyncio.Event()
        self.released.set()
        self._texts = list(texts)

    async def infill(self, request: Request) -> dict[str, Any]:
        self.asked.append(request)
        await self.released.wait()
        text = self._texts.pop(0) if self._texts else ""
        return {"content": text, "timings": {"cache_n": 30, "prompt_n": 10, "predicted_n": 5}}


class Typist:
    """A Vim with one file, and somebody who types into it."""

    def __init__(self, server: ScriptedServer, text: str = TEXT, place: int = PLACE, *, has_ring: bool = False) -> None:
        self.vim = LlamaVim(cast(LlamaServer, server), has_ring=has_ring)
        self.buffer = Buffer(text)
        self.buffer.offset = place
        self.vim.open("a.py", self.buffer)

    def type(self, text: str) -> None:
        buffer = self.buffer
        edit = Edit(buffer.offset, buffer.offset, text)
        buffer.text = buffer.text[: buffer.offset] + text + buffer.text[buffer.offset :]
        buffer.offset += len(text)
        self.vim.pressed(edit, buffer)

    async def typed(self, text: str) -> Shown | None:
        self.type(text)
        return await self.vim.answer()


def play(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(cast(Any, scene()))


def test_what_is_asked_shown_and_asked_ahead() -> None:
    async def scene() -> None:
        server = ScriptedServer("turn 1\n", "", "")
        typist = Typist(server)
        assert await typist.typed("re") == Shown("turn 1")
        assert await typist.vim.origin() == Origin(True, 40, 30, 5)
        first, *_ = server.asked
        assert (first["input_prefix"], first["prompt"]) == ("def f():\n", "    re")
        assert first["input_suffix"] == "\n\nprint(f())\n\n"
        assert (first["n_indent"], first["t_max_predict_ms"], first["input_extra"]) == (4, 250, [])
        await typist.vim.leave()
        assert [asked["prompt"] for asked in server.asked] == ["    re", "    return 1"]
        assert server.asked[1]["t_max_predict_ms"] == 1000

    play(scene)


def test_typing_through_is_shown_at_once() -> None:
    async def scene() -> None:
        typist = Typist(ScriptedServer("turn 1"))
        await typist.typed("re")
        assert await typist.typed("tu") == Shown("rn 1")
        assert await typist.vim.origin() == Origin(is_from_model=False)
        await typist.vim.leave()

    play(scene)


def test_running_request_goes_on_and_the_newest_place_is_asked_for_next() -> None:
    async def scene() -> None:
        server = ScriptedServer("x", "y")
        server.released.clear()
        typist = Typist(server)
        for key in "abc":
            typist.type(key)
            await asyncio.sleep(0)
        assert [asked["prompt"] for asked in server.asked] == ["    a"]
        server.released.set()
        assert await typist.vim.answer() == Shown("y")
        assert [asked["prompt"] for asked in server.asked[:2]] == ["    a", "    abc"]
        await typist.vim.leave()

    play(scene)


def test_blank_line_is_sent_empty_and_its_indentation_is_not_shown_again() -> None:
    async def scene() -> None:
        server = ScriptedServer("    return 1")
        typist = Typist(server, "def f():\n\n", len("def f():\n"))
        assert await typist.typed("    ") == Shown("return 1")
        assert server.asked[0]["prompt"] == ""
        await typist.vim.leave()

    play(scene)


@pytest.mark.parametrize("answer", ["", "  \n", "\n\nprint(f())"], ids=["nothing", "blank", "next lines"])
def test_nothing_is_shown(answer: str) -> None:
    async def scene() -> None:
        typist = Typist(ScriptedServer(answer))
        assert await typist.typed("return") is None
        await typist.vim.leave()

    play(scene)


def test_nothing_is_asked_with_much_behind_the_cursor() -> None:
    async def scene() -> None:
        server = ScriptedServer()
        assert await Typist(server, "def function():\n", 0).typed("x") is None
        assert server.asked == []

    play(scene)


def test_ring_is_read_while_nobody_types_and_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midfill_lsp.bench.latency.llama_vim.RING_UPDATE_S", 0.001)

    async def scene() -> None:
        server = ScriptedServer()
        typist = Typist(server, has_ring=True)
        while not server.asked:
            await asyncio.sleep(0.001)
        [chunk] = server.asked[0]["input_extra"]
        assert server.asked[0]["n_predict"] == 0
        assert chunk == {"text": TEXT + "\n", "filename": "a.py"}
        await typist.typed("re")
        assert server.asked[1]["input_extra"] == [], "it is like what stands around the cursor"
        await typist.vim.leave()

    play(scene)
