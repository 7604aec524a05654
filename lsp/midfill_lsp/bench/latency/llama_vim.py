"""llama.vim's side of a completion, played against `/infill`: what it sends when, keeps, shows and fetches ahead.

As of its version of January 2026, with its defaults: 256 lines before and 64 after the cursor; no debounce; a request
under way is never ended, one that is wanted meanwhile is tried again every 100 ms, for where the cursor is by then; 250
answers are kept, found again with up to three lines less in front and behind up to 128 typed characters; while a hint
is shown, what follows it is asked for; nothing is asked where more than 8 characters of a line stand behind the cursor.

Left out, to its favour: the processes of curl that it starts, and its own CPU time. The sampler is given a seed.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil

from midfill_lsp.bench.latency.llama_ring import SEED, Ring
from midfill_lsp.bench.latency.llama_server import LlamaServer
from midfill_lsp.bench.latency.playing import Origin
from midfill_lsp.bench.latency.script import Buffer, Edit, Shown

N_PREFIX_LINES = 256
N_SUFFIX_LINES = 64
N_KEPT = 250
N_TYPED_THROUGH = 128
N_SHIFTED_LINES = 3
MAX_LINE_SUFFIX = 8
POLL_S = 0.1
RING_UPDATE_S = 1.0
IDLE_S = 3.0

Key = tuple[str, str]  # the text before the cursor and after it, as they were sent


@dataclass(frozen=True)
class Local:
    """What is sent of the file: whole lines before, the cursor's line up to it, and what is after it."""

    prefix: str
    middle: str
    suffix: str
    line_suffix: str

    @property
    def keys(self) -> list[Key]:
        """What the answer is kept under: also as if the first lines had scrolled out of the window."""
        lines = self.prefix.splitlines(keepends=True)
        n_most = min(N_SHIFTED_LINES, len(lines) - 1)
        return [("".join(lines[n_less:]) + self.middle, self.suffix) for n_less in range(n_most + 1)]


@dataclass(frozen=True)
class Kept:
    """An answer: its text and what it took."""

    text: str
    n_prompt_tokens: int
    n_reused_tokens: int
    n_completion_tokens: int


class LlamaVim:
    """`Player` of llama.vim. `_hint_of` is the answer for where the cursor is, `_hint` what it shows."""

    def __init__(self, server: LlamaServer, *, has_ring: bool) -> None:
        self.name = "llama.vim, ring" if has_ring else "llama.vim"
        self._server = server
        self._hint: Shown | None = None
        self._hint_of: Kept | None = None
        self._had_answer = False
        self._path, self._buffer = "", Buffer("")
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._moved_s = 0.0
        self._is_typing = False
        self._job: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._ring = Ring() if has_ring else None
        self._updating: asyncio.Task[None] | None = None

    def processes(self) -> list[psutil.Process]:
        return [self._server.process]

    def open(self, path: str, buffer: Buffer) -> None:
        self._path, self._buffer = path, buffer
        self._look_around()
        if self._ring:
            self._updating = asyncio.create_task(self._update_ring(self._ring))

    def pressed(self, edit: Edit | None, before: Buffer) -> None:
        self._moved_s = time.monotonic()
        self._is_typing = edit is not None
        self._hint = self._hint_of = None
        if self._is_typing:
            self._try_hint()
            self._ask()
        self._had_answer = self._is_settled

    async def answer(self) -> Shown | None:
        while not self._is_settled:
            await self._next()
        return self._hint

    async def origin(self) -> Origin:
        kept = self._hint_of
        if self._had_answer or kept is None:
            return Origin(is_from_model=not self._had_answer)
        return Origin(True, kept.n_prompt_tokens, kept.n_reused_tokens, kept.n_completion_tokens)

    async def leave(self) -> None:
        self._look_around()
        if self._updating:
            self._updating.cancel()
        while self._job or self._again:
            await self._next()

    async def close(self) -> None:
        self._server.close()

    @property
    def _is_settled(self) -> bool:
        """Whether there is an answer for the cursor, or nothing is left that could bring one."""
        return self._hint_of is not None or not (self._job or self._again)

    async def _next(self) -> None:
        await (self._job or asyncio.sleep(POLL_S / 20))

    def _look_around(self) -> None:
        self._is_typing = False
        self._hint = self._hint_of = None
        if self._ring:
            self._ring.pick_near(self._path, *self._lines())

    # Asking

    def _ask(self, ahead: Local | None = None) -> None:
        """Send a request for where the cursor is when that happens, or for a place known ahead."""
        if self._again:
            self._again.cancel()
            self._again = None
        if self._job:
            self._again = asyncio.get_running_loop().call_later(POLL_S, self._ask, ahead)
            return
        local = ahead or self._local(self._buffer.text[: self._buffer.offset])
        if len(local.line_suffix) > MAX_LINE_SUFFIX or any(key in self._kept for key in local.keys):
            return
        if self._ring:
            self._ring.drop_similar(*self._lines())
        self._job = asyncio.create_task(self._run(local, self._request(local, is_ahead=ahead is not None)))
        if self._ring:
            self._ring.pick_far(self._path, *self._lines(), N_PREFIX_LINES, N_SUFFIX_LINES)

    async def _run(self, local: Local, request: dict[str, object]) -> None:
        try:
            kept = _kept(await self._server.infill(request))
        finally:
            self._job = None
        for key in local.keys:
            self._kept[key] = kept
        while len(self._kept) > N_KEPT:
            self._kept.popitem(last=False)
        if self._is_typing and self._hint is None:
            self._try_hint()

    def _request(self, local: Local, *, is_ahead: bool) -> dict[str, object]:
        return {
            "id_slot": 0,
            "input_prefix": local.prefix,
            "input_suffix": local.suffix,
            "input_extra": self._ring.extra() if self._ring else [],
            "prompt": local.middle,
            "n_predict": 128,
            "stop": [],
            "n_indent": len(local.middle) - len(local.middle.lstrip()),
            "top_k": 40,
            "top_p": 0.90,
            "samplers": ["top_k", "top_p", "infill"],
            "seed": SEED,
            "stream": False,
            "cache_prompt": True,
            "t_max_prompt_ms": 500,
            "t_max_predict_ms": 1000 if is_ahead else 250,
        }

    def _local(self, before: str) -> Local:
        """What is sent where this text stands before the cursor; of a line of blanks it is nothing."""
        *lines, middle = before.split("\n")
        rest, *following = self._buffer.text[self._buffer.offset :].split("\n")
        if not (middle + rest).strip():
            middle = rest = ""
        return Local(
            prefix="\n".join(lines[-N_PREFIX_LINES:]) + "\n",
            middle=middle,
            suffix="\n".join([rest, *following[:N_SUFFIX_LINES]]) + "\n",
            line_suffix=rest,
        )

    # Showing

    def _try_hint(self) -> None:
        """Show what is kept for the cursor, and ask for what follows it."""
        before = self._buffer.text[: self._buffer.offset]
        local = self._local(before)
        self._hint_of = self._found(local)
        if self._hint_of is None:
            return
        self._hint = self._rendered(self._hint_of.text, local)
        if self._hint:
            self._ask(self._local(before + self._hint.text))

    def _found(self, local: Local) -> Kept | None:
        """What is kept for a place, or for one before it from where the answer's beginning was typed: the longest."""
        before = local.prefix + local.middle
        exact = self._kept.get((before, local.suffix))
        if exact:
            self._kept.move_to_end((before, local.suffix))
            return exact
        found = []
        for n_typed in range(1, min(N_TYPED_THROUGH, len(before)) + 1):
            kept = self._kept.get((before[:-n_typed], local.suffix))
            if kept and len(kept.text) > n_typed and kept.text.startswith(before[-n_typed:]):
                found.append(replace(kept, text=kept.text[n_typed:]))
        return max(found, key=lambda kept: len(kept.text), default=None)

    def _rendered(self, text: str, local: Local) -> Shown | None:
        """What is shown of an answer; None where that is nothing or stands there already."""
        content = text.rstrip("\n").split("\n")
        lines, number = self._lines()
        if not lines[number].strip():  # the indentation is there already
            n_blank = len(content[0]) - len(content[0].lstrip())
            content[0] = content[0][min(n_blank, len(lines[number])) :]
        shown = "\n".join(content)
        return None if not shown.strip() or _repeats(content, local, lines[number + 1 :]) else Shown(shown)

    def _lines(self) -> tuple[list[str], int]:
        """The file's lines, and the number of the cursor's."""
        return self._buffer.text.split("\n"), self._buffer.text.count("\n", 0, self._buffer.offset)

    # Reading ahead

    async def _update_ring(self, ring: Ring) -> None:
        while True:
            await asyncio.sleep(RING_UPDATE_S)
            is_idle = not self._is_typing or time.monotonic() - self._moved_s > IDLE_S
            if is_idle and ring.take_next():
                nothing = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0}
                settings = {"id_slot": 0, "samplers": [], "temperature": 0.0, "cache_prompt": True, "stream": False}
                await self._server.infill({**nothing, **settings, "input_extra": ring.extra()})


def _kept(answer: dict[str, Any]) -> Kept:
    timings = answer["timings"]
    n_reused = timings["cache_n"]
    return Kept(answer["content"], n_reused + timings["prompt_n"], n_reused, timings["predicted_n"])


def _repeats(content: Sequence[str], local: Local, following: Sequence[str]) -> bool:
    """Whether an answer only says again what stands behind the cursor."""
    first, *others = content
    if others and not first and others == list(following[: len(others)]):
        return True
    if not others and first == local.line_suffix:
        return True
    code = next((at for at, line in enumerate(following) if line.strip()), len(following))
    if [local.middle + first] != list(following[code : code + 1]):
        return False
    behind = list(following[code + 1 : code + 1 + len(others)])
    if len(others) == 1:
        return bool(behind) and behind[0].startswith(others[0])
    return others == behind
