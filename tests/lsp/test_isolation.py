"""A workspace cannot run code: neither in the server nor in any process that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lsp_client import REFUSAL, LspClient, eventually
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL

Launch = Callable[..., LspClient]

SERVER = [sys.executable, "-I", "-m", "midfill_lsp"]
# What Python, the server, its processes and pip import early; packages and modules.
SHADOWED = (
    *("dataclasses", "json", "logging", "subprocess", "sitecustomize", "usercustomize", "numpy", "llama_cpp", "psutil"),
    *("midfill_lsp", "midfill_model", "midfill_context", "pip", "pygls", "tree_sitter", "huggingface_hub"),
)
# Whatever name a settings file of the project might have.
SETTINGS = ("midfill.toml", ".midfill.toml", ".midfill.json", ".midfill/settings.json", ".vscode/settings.json")


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """Lists the modules of the workspace that ran."""
    return tmp_path / "ran"


@pytest.fixture
def poisoned(tmp_path: Path, ran: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose modules, if they are ever imported, leave a trace; and an environment that points to them."""
    folder = tmp_path / "workspace"
    for name in SHADOWED:
        package = folder / name
        package.mkdir(parents=True)
        code = f"open({str(ran)!r}, 'a').write({name!r} + '\\n')\nraise SystemExit('hijacked')\n"
        for file in (folder / f"{name}.py", package / "__init__.py", package / "__main__.py"):
            file.write_text(code)
    for name in SETTINGS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text('{"midfill.model": "evil.gguf", "model": "evil.gguf", "maxTokens": 1}')
    (folder / "a.py").write_text("import math\n\n\ndef area(radius):\n    return math.")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((".", str(folder))))
    monkeypatch.setenv("PYTHONSTARTUP", str(folder / "sitecustomize.py"))
    return folder


def test_the_poison_works(poisoned: Path, ran: Path) -> None:
    """Without `-I` the very same command is hijacked."""
    command = [argument for argument in SERVER if argument != "-I"]
    subprocess.run(command, cwd=poisoned, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert "sitecustomize" in ran.read_text()


def test_no_process_runs_the_workspace(
    launch: Launch, poisoned: Path, ran: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server, the worker that has the model, and the process of the index."""
    monkeypatch.setenv(store.MODELS_DIR_VARIABLE, str(smollm2.parent))
    client = launch(command=SERVER, folder=poisoned)
    client.start(workspaceFolders=[{"uri": poisoned.as_uri(), "name": "workspace"}])
    assert client.command("midfill.status")["model"] == DEFAULT_MODEL
    file = poisoned / "a.py"
    client.open(file.as_uri(), file.read_text())
    line, character = 4, len("    return math.")
    assert eventually(lambda: bool(client.items(file.as_uri(), line, character)))
    commands = [child.cmdline()[1:] for child in psutil.Process(client.process.pid).children()]
    modules = ("midfill_context.index.process", "midfill_model.local.worker")
    assert sorted(commands) == [["-I", "-m", module] for module in modules]
    assert client.shut_down() == 0
    assert not ran.exists()


def test_pip_does_not_run_the_workspace(
    launch: Launch, poisoned: Path, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    client = launch(command=SERVER, folder=poisoned)
    client.replies["window/showMessageRequest"] = REFUSAL
    client.initialize(workspaceFolders=[{"uri": poisoned.as_uri(), "name": "workspace"}])
    assert "pip could not fetch" in client.refused("midfill.pullModel", DEFAULT_MODEL)
    assert not ran.exists()
