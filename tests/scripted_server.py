"""Starts the real language server with a scripted engine and commands that let a test look inside.

python tests/scripted_server.py [--open-error TEXT] [--open-delay-ms N] [--tcp HOST:PORT]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import asdict, replace
from typing import Any

from midfill_lsp.serve import serve_client
from midfill_lsp.server import create_server
from midfill_lsp.session import MidfillServer
from midfill_lsp.settings import Settings
from midfill_model.engine import EngineState, Priority, StatusListener, StopReason
from midfill_model.errors import NotGguf
from scripted_engine import Script, ScriptedEngine


class Backstage:
    """All engines that were opened, and the script that the next one begins with."""

    def __init__(self, open_error: str, open_delay_ms: float) -> None:
        self.open_error = open_error
        self.open_delay_ms = open_delay_ms
        self.engines: list[ScriptedEngine] = []
        self.opened_with: list[Settings] = []
        self.script = Script()

    def open_engine(self, settings: Settings, on_status: StatusListener) -> ScriptedEngine:
        self.opened_with.append(settings)
        time.sleep(self.open_delay_ms / 1000)
        if self.open_error == "unexpected":
            raise RuntimeError("/home/someone/secret.gguf")
        if self.open_error:
            raise NotGguf(self.open_error)
        engine = ScriptedEngine(on_status, settings.model or "scripted")
        engine.script = self.script
        self.engines.append(engine)
        return engine

    def set_script(self, changes: dict[str, Any]) -> None:
        stop_reason = StopReason(changes.pop("stop_reason", self.script.stop_reason))
        self.script = replace(self.script, stop_reason=stop_reason, **changes)
        for engine in self.engines:
            engine.script = self.script

    def look(self) -> dict[str, Any]:
        """What the engines were asked, in JSON."""
        asked = [request for engine in self.engines for request in engine.requests]
        requests = [request for request in asked if request.priority is Priority.TYPED]
        return {
            "opened_with": [asdict(settings) for settings in self.opened_with],
            "n_opened": len(self.engines),
            "n_closed": sum(engine.is_closed for engine in self.engines),
            "n_cancelled": sum(engine.n_cancelled for engine in self.engines),
            "cursors": [vars(request.cursor) for request in requests],
            "clients": [request.client for request in requests],
            "snippets": [{each.chunk.path: each.chunk.text for each in request.snippets} for request in requests],
            "n_candidates": [request.n_candidates for request in requests],
            "max_tokens": [request.limits.max_tokens for request in requests],
            "in_background": [
                {"cursor": vars(request.cursor), "max_tokens": request.limits.max_tokens}
                for request in asked
                if request.priority is Priority.BACKGROUND
            ],
        }


def add_commands(server: MidfillServer, backstage: Backstage) -> None:
    """Commands that exist in tests only."""

    def text(uri: str) -> str | None:
        document = server.documents.find(uri)
        return document.text if document else None

    def fail(message: str) -> None:
        raise ValueError(message)

    async def fail_later(message: str) -> None:
        await asyncio.sleep(0.01)
        raise ValueError(message)

    async def block_threads() -> None:
        for _ in range(12):
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 1)
            server.thread_pool.submit(time.sleep, 1)

    def hang_on_close() -> None:
        backstage.engines[-1].hangs_on_close = True

    # Lambdas, because pygls writes attributes onto the functions it is given.
    commands: dict[str, Any] = {
        "test.text": text,
        "test.script": lambda changes: backstage.set_script(changes),
        "test.look": lambda: backstage.look(),
        "test.become": lambda state, reason: backstage.engines[-1].become(EngineState(state), reason),
        "test.fail": fail,
        "test.failLater": fail_later,
        "test.unserialisable": lambda kind: {"object": object(), "nan": float("nan"), "set": {1}}[kind],
        "test.print": lambda line: print(line, flush=True),
        "test.blockThreads": block_threads,
        "test.hangOnClose": hang_on_close,
    }
    for name, command in commands.items():
        server.command(name)(command)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--open-error", default="")
    parser.add_argument("--open-delay-ms", type=float, default=0)
    parser.add_argument("--tcp")
    options = parser.parse_args()
    backstage = Backstage(options.open_error, options.open_delay_ms)
    server = create_server(backstage.open_engine)
    add_commands(server, backstage)
    return serve_client(server, options.tcp)


if __name__ == "__main__":
    sys.exit(main())
