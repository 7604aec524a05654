"""`midfill bench latency` plays real servers: midfill's own with a tiny model, and a stand-in for llama-server."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_lsp.bench.latency import peer as latency
from midfill_lsp.bench.latency.script import Session, sessions
from midfill_model.errors import EngineError
from midfill_model.files.random_model import SHAPES, synthetic_vocabulary, write_random_model

PEER = """#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({{"status": "ok"}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        timings = {{"cache_n": 90, "prompt_n": 10, "predicted_n": 4}}
        self.answer({{"content": "value = 1", "timings": timings}})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

port = int(sys.argv[sys.argv.index("--port") + 1])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_random_model(path, SHAPES["tiny"], synthetic_vocabulary(512), file_type="f16")
    return path


def program(folder: Path, text: str) -> Path:
    path = folder / "llama-server"
    path.write_text(text)
    path.chmod(0o755)
    return path


def ignore(message: str) -> None:
    pass


def hasty(folder: Path) -> list[Session]:
    """One file, by somebody who never rests."""
    [session] = sessions(folder, 1)
    return [replace(session, keys=tuple(replace(key, pause_s=0) for key in session.keys))]


def test_figures_hang_together(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "sessions", hasty)
    result = latency.run(program(tmp_path, PEER.format(python=sys.executable)), str(model), None, ignore)
    assert result.model == "tiny"
    assert [found.name for found in result.contestants] == ["midfill", "llama.vim", "llama.vim, ring"]
    assert len({(found.n_keys, found.n_due) for found in result.contestants}) == 1
    for found in result.contestants:
        assert found.n_due == 8
        assert 0 <= found.n_disturbed <= found.n_due
        assert 0 <= found.model_p50_ms <= found.model_p95_ms <= 1000 * found.total_wait_s + 10
        assert found.cpu_s_per_100_keys > 0
        assert 0 <= found.without_model <= 1
    _, peer, _ = result.contestants
    assert (peer.n_shown, peer.reused) == (8, 0.9)
    assert 0 <= result.cancels.p50_ms <= result.cancels.p95_ms
    assert "| answered without a model |" in latency.render(result)


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "no program"])
def test_peer_that_does_not_start(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(latency, "sessions", hasty)
    with pytest.raises((EngineError, OSError)):
        latency.run(program(tmp_path, text), str(model), None, ignore)
