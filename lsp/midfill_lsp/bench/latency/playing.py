"""Plays a script with somebody's editor and server, and measures what its user would wait for."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import psutil

from midfill_lsp.bench.figures import StolenTime
from midfill_lsp.bench.latency.script import Buffer, Edit, Kind, Session, Shown


@dataclass(frozen=True)
class Origin:
    """Where an answer came from: what was known when the key was pressed, or a request that took so many tokens."""

    is_from_model: bool
    n_prompt_tokens: int = 0
    n_reused_tokens: int = 0
    n_completion_tokens: int = 0


@dataclass(frozen=True)
class Waited:
    """One key at which a suggestion was due; other machines had the share `stolen` of the processors' time."""

    kind: Kind
    wait_ms: float
    is_shown: bool
    origin: Origin
    stolen: float


class Player(Protocol):
    """Somebody's editor, with one file open at a time, and server."""

    name: str

    def processes(self) -> list[psutil.Process]:
        """The server's."""
        ...

    def open(self, path: str, buffer: Buffer) -> None:
        """Come to another file, whose text and cursor are the buffer's."""
        ...

    def pressed(self, edit: Edit | None, before: Buffer) -> None:
        """A key did this to the buffer as it was before; without an edit it moved the cursor."""
        ...

    async def answer(self) -> Shown | None:
        """Wait for what is suggested where the cursor is."""
        ...

    async def origin(self) -> Origin:
        """Where that came from."""
        ...

    async def leave(self) -> None:
        """Leave the file; nothing is under way afterwards."""
        ...

    async def close(self) -> None:
        """End the server."""
        ...


@dataclass
class Played:
    """What was measured of one contestant so far."""

    waits: list[Waited]
    n_keys: int = 0
    cpu_s: float = 0.0


async def play(session: Session, player: Player, played: Played) -> None:
    """One file from opening to leaving."""
    used_s = cpu_s(player)
    buffer = Buffer(session.text)
    player.open(session.path, buffer)
    shown: Shown | None = None
    for key in session.keys:
        await asyncio.sleep(key.pause_s)
        before = copy.copy(buffer)
        stolen, started = StolenTime(), time.perf_counter()
        player.pressed(buffer.press(key, shown), before)
        shown = None
        if key.is_due:
            shown = await player.answer()
            wait_ms = (time.perf_counter() - started) * 1000
            share = stolen.share
            played.waits.append(Waited(key.kind, wait_ms, shown is not None, await player.origin(), share))
    await player.leave()
    played.n_keys += len(session.keys)
    played.cpu_s += cpu_s(player) - used_s


@contextmanager
def released(player: Player) -> Iterator[None]:
    release(player)
    try:
        yield
    finally:
        hold(player)


def hold(player: Player) -> None:
    for process in player.processes():
        process.suspend()


def release(player: Player) -> None:
    for process in player.processes():
        with suppress(psutil.NoSuchProcess):
            process.resume()


def cpu_s(player: Player) -> float:
    times = [process.cpu_times() for process in player.processes()]
    return sum(each.user + each.system for each in times)
