"""Helix, an editor without inline completion, on a terminal: the suggestion comes in its completion menu."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from e2e.neovim import ROOT, TIMEOUT_S
from midfill_model.files import store

pytestmark = pytest.mark.e2e

TEXT = "def add(a, b):\n    return a + b\n\n\ndef multiply(a, b):\n"


class Terminal:
    """A program on a terminal of its own, with everything it ever wrote there, as text."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)
        self.written = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so, while what the program writes is read."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}; the terminal got:\n{self.written[-2000:]}"
            if select.select([self._ours], [], [], 0.02)[0]:
                self.written += re.sub(r"\x1b\[[0-9;:?<>=]*[a-zA-Z]", "", self._read())

    def _read(self) -> str:
        try:
            return os.read(self._ours, 1 << 16).decode(errors="replace")
        except OSError:  # the program has ended
            return ""


def languages_of_the_readme() -> str:
    """The set-up that users are told, with this Python and without another server."""
    readme = (ROOT / "editors/README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Helix\n(?:(?!##|    ).*\n)*((?: {4}.*\n|\n)+)", readme, re.MULTILINE)
    assert found
    setup = textwrap.dedent(found[1]).replace("/path/to/midfill/.venv/bin/python", sys.executable)
    assert sys.executable in setup
    return setup.replace('"pylsp", ', "")


def test_suggestion_in_the_menu_of_helix(helix: Path, tmp_path: Path, smollm2: Path) -> None:
    (tmp_path / "helix").mkdir()
    (tmp_path / "helix/languages.toml").write_text(languages_of_the_readme())
    file, log = tmp_path / "a.py", tmp_path / "log"
    file.write_text(TEXT)
    environment = os.environ | {
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TERM": "xterm-256color",
        store.MODELS_DIR_VARIABLE: str(smollm2.parent),
    }

    def logged(word: str) -> list[str]:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if word in line]

    def answers() -> list[dict[str, Any]]:
        """The items for what is typed in the end."""
        lists = [json.loads(line.partition("<- ")[2])["result"]["items"] for line in logged('"newText"')]
        return [item for (item,) in lists if item["textEdit"]["range"]["end"]["character"] == len("return a")]

    with Terminal([str(helix), "-vv", "--log", str(log), f"{file}:5:99"], environment) as terminal:
        terminal.wait(lambda: any('"state":"ready"' in line for line in logged("midfill/status")), "the model")
        terminal.type("oreturn a")
        terminal.wait(lambda: bool(answers()), "an answer")
        item = answers()[-1]
        terminal.wait(lambda: item["label"] in terminal.written, "the menu")
        terminal.type("\x0e")  # Ctrl-N selects the first
        line = f"return {item['textEdit']['newText']}"
        terminal.wait(lambda: f"6:{len(line) + 1}" in terminal.written, "the suggestion in its place")
        terminal.type("\r\x1b")
        terminal.wait(lambda: "NOR" in terminal.written.rpartition("INS")[2], "normal mode")
        terminal.type(":wq\r")
        terminal.wait(lambda: terminal.process.poll() is not None, "the end of Helix")
    assert item["detail"] == "midfill"
    assert file.read_text() == f"{TEXT}{line}\n"
