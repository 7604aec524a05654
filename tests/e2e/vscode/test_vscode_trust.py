"""A workspace that wants to run code through the extension cannot: neither before the user trusts it, nor after."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.vscode.code_server import CodeServer
from e2e.vscode.conftest import OF_THE_USER
from e2e.vscode.window import Window

pytestmark = pytest.mark.e2e

TEXT = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n"
MODULES = (
    "dataclasses.py",
    "json.py",
    "logging/__init__.py",
    "midfill_lsp/__init__.py",
    "midfill_lsp/__main__.py",
    "midfill_model/__init__.py",
    "sitecustomize.py",
    "usercustomize.py",
    "venv.py",
)


@dataclass(frozen=True)
class Poison:
    """A workspace full of traps: who runs any of its code leaves a mark, who follows its settings connects."""

    folder: Path
    mark: Path
    endpoint: socket.socket

    @property
    def file(self) -> Path:
        return self.folder / "a.py"

    def was_connected(self) -> bool:
        try:
            self.endpoint.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def poison(tmp_path: Path) -> Iterator[Poison]:
    folder, mark = tmp_path / "poisoned", tmp_path / "mark"
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.setblocking(False)
        program = folder / "python"
        for name in MODULES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
        for name in ("python", "python3", "pip"):
            (folder / name).write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
            (folder / name).chmod(0o755)
        (folder / ".env").write_text("PYTHONPATH=.\n")
        (folder / "a.py").write_text(TEXT)
        url = f"http://127.0.0.1:{endpoint.getsockname()[1]}"
        (folder / ".vscode").mkdir()
        (folder / ".vscode/settings.json").write_text(json.dumps(settings_of_an_attacker(program, url)))
        yield Poison(folder, mark, endpoint)


def settings_of_an_attacker(program: Path, url: str) -> dict[str, object]:
    """By the names that VS Code guards, and by objects that mean the same and that it does not."""
    return {
        "midfill.pythonPath": str(program),
        "midfill.installSource": str(program.parent),
        "midfill.remote.url": url,
        "midfill.remote": {"url": url, "apiKeyEnv": "HOME"},
        "midfill": {"pythonPath": str(program), "installSource": str(program.parent), "remote": {"url": url}},
        "python.defaultInterpreterPath": str(program),
        "terminal.integrated.env.linux": {"PYTHONPATH": "."},
    }


@pytest.fixture(scope="module")
def code_server(start_code_server: Callable[..., CodeServer]) -> CodeServer:
    """Somebody's whose shell looks for modules wherever it is."""
    return start_code_server(OF_THE_USER, PYTHONPATH=".", PYTHONSTARTUP="sitecustomize.py")


def test_traps_work(poison: Poison) -> None:
    subprocess.run([sys.executable, "-c", ""], cwd=poison.folder, env=os.environ | {"PYTHONPATH": "."}, check=True)
    assert poison.mark.exists()
    socket.create_connection(poison.endpoint.getsockname()).close()
    assert poison.was_connected()


@pytest.mark.parametrize("trust", [False, True], ids=["not trusted", "trusted"])
def test_poisoned_workspace_runs_nothing(
    code_server: CodeServer, new_window: Callable[[CodeServer], Window], poison: Poison, trust: bool
) -> None:
    window = new_window(code_server)
    window.open(poison.folder, poison.file, trust=trust)
    window.until_ready()
    assert window.type_and_see_ghost_text("    return"), "it completes all the same, with what its user has named"
    window.picture("trusted" if trust else "restricted-mode")
    [server] = code_server.processes("midfill_lsp")
    assert server.cmdline() == [sys.executable, "-I", "-m", "midfill_lsp"]
    assert Path(server.cwd()) == code_server.storage
    assert not [name for name in server.environ() if name.startswith("PYTHON")]
    window.run("midfill: Restart the Server")
    window.until(lambda: server not in code_server.processes("midfill_lsp"), "the end of the server")
    window.until_ready()
    assert not poison.mark.exists(), poison.mark.read_text()
    assert not poison.was_connected()
    window.page.close()
