"""A new user: from the .vsix to the first ghost text, and what is said where that does not work."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import installed
from e2e.vscode.code_server import CodeServer
from e2e.vscode.conftest import OF_THE_USER
from e2e.vscode.window import Window
from midfill_model.files import store

pytestmark = pytest.mark.e2e

TEXT = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    return path


@pytest.mark.timeout(300)
def test_three_actions_to_the_first_ghost_text(
    start_code_server: Callable[..., CodeServer],
    new_window: Callable[[CodeServer], Window],
    file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a fresh profile, with a package index that offers this checkout."""
    actions = ["install the .vsix"]
    server = start_code_server({}, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(installed("code_server_wheels.sh")))
    window = new_window(server)
    window.open(None, file)
    window.until_message("makes a Python environment of its own")
    window.picture("question")
    assert not server.storage.exists(), "nothing is done without an answer"

    actions.append("answer “Set Up”")
    window.click("Set Up")
    window.until(lambda: any("installing midfill" in each for each in window.messages()), "progress")
    window.picture("progress")
    window.until(lambda: "is ready" in window.status(), "the server", timeout_s=200)

    actions.append("type")
    ghost = window.type_and_see_ghost_text("    return")
    window.picture("first-ghost-text")
    with capsys.disabled():
        print(f"\nVS Code, from install to first ghost text: {len(actions)} actions ({', '.join(actions)}): {ghost!r}")
    assert len(actions) <= 3
    [process] = server.processes("midfill_lsp")
    environment = json.loads((server.storage / "environments/current.json").read_text())["folder"]
    assert process.cmdline()[0].startswith(environment)


def test_what_is_missing_is_told(
    start_code_server: Callable[..., CodeServer],
    new_window: Callable[[CodeServer], Window],
    file: Path,
    tmp_path: Path,
) -> None:
    """No Python; then one, but no package. After each the user may try again."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("node", "bash", "sh", "rg", "ps", "cat", "uname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    # VSCODE_CLI: the variables as they are, without those of a login shell
    window = new_window(start_code_server({}, PATH=str(programs), PIP_NO_INDEX="1", VSCODE_CLI="1"))
    window.open(None, file)
    window.click("Set Up")
    assert "found none" in window.until_message("needs Python 3.10 or newer")
    (programs / "python3").symlink_to(sys.executable)
    window.click("Try Again")
    assert "midfill.installSource" in window.until_message("finds no such package")
    assert "Set up" in window.status()
    window.picture("no-package")


def test_missing_model_is_offered(
    start_code_server: Callable[..., CodeServer], new_window: Callable[[CodeServer], Window], file: Path, tmp_path: Path
) -> None:
    """With its size, its licence and where it comes from; nothing is downloaded without a yes."""
    models = tmp_path / "models"
    window = new_window(start_code_server(OF_THE_USER, **{store.MODELS_DIR_VARIABLE: str(models)}))
    window.open(None, file)
    question = window.until_message("download smollm2-135m")
    window.picture("model-question")
    assert "98 MB" in question
    assert "Apache" in question
    window.click("Cancel")
    window.until(lambda: not any("download smollm2" in each for each in window.messages()), "the question to go")
    assert "has a problem" in window.status()
    assert not list(models.rglob("*.gguf"))
