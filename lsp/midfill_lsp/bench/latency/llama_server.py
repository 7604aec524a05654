"""llama.cpp's own server as llama.vim wants it started: a batch of 1024, reuse of shifted chunks from 256 tokens on.

It serves `/infill` for models with FIM tokens alone. For one without, control tokens that mean nothing to it stand in,
so that the times and counts are those of a model of its size; its texts are then not worth looking at.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from midfill_model.errors import EngineError
from midfill_model.files.gguf_file import read_header
from midfill_model.local.tuning import n_usable_cores
from midfill_model.local.waiting import waiting_environment

START_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 120.0

_ROLES = ("pre", "suf", "mid", "rep", "sep")
_STAND_INS = range(3, 3 + len(_ROLES))  # the first ids are control tokens, and the very first ones end texts


class LlamaServer:
    """A server that runs; `close` ends it."""

    def __init__(self, program: Path, model: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self._port = unused.getsockname()[1]
        where = ["--model", str(model), "--host", "127.0.0.1", "--port", str(self._port)]
        sizes = ["--ctx-size", "0", "--batch-size", "1024", "--ubatch-size", "1024", "--cache-reuse", "256"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [str(program), *where, *sizes, "--threads", str(n_usable_cores()), *_fim_tokens(model)],
            env=waiting_environment(),
            stdout=quiet,
            stderr=quiet,
        )
        self.process = psutil.Process(self._process.pid)

    async def wait_until_loaded(self) -> None:
        """EngineError where it ends or never answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not await asyncio.to_thread(self._is_loaded):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EngineError("The peer does not serve the model; start llama-server by hand to see why.")
            await asyncio.sleep(0.1)

    async def infill(self, request: dict[str, object]) -> dict[str, Any]:
        """The answer to one request, on a connection of its own, as llama.vim's curl does it."""
        answer: dict[str, Any] = json.loads(await asyncio.to_thread(self._ask, "POST", "/infill", json.dumps(request)))
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _is_loaded(self) -> bool:
        try:
            self._ask("GET", "/health", "")
        except (OSError, EngineError):
            return False
        return True

    def _ask(self, method: str, path: str, body: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request(method, path, body.encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise EngineError(f"The peer answered {path} with {response.status}: {data[:200].decode(errors='replace')}")
        return data


def _fim_tokens(model: Path) -> list[str]:
    """Options that give a model without FIM tokens some."""
    fim = read_header(model).fim
    if fim.prefix is not None:
        return []
    overrides = [
        f"tokenizer.ggml.fim_{role}_token_id=int:{token}" for role, token in zip(_ROLES, _STAND_INS, strict=True)
    ]
    return [part for override in overrides for part in ("--override-kv", override)]
