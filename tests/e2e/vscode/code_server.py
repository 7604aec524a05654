"""Runs code-server, VS Code in a browser, as somebody's whole installation: profile, extensions, environment."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import psutil

START_S = 60.0
POLL_S = 0.05

# What makes a screen restless, or text other than what was typed.
QUIET = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "telemetry.telemetryLevel": "off",
    "extensions.ignoreRecommendations": True,
    "files.hotExit": "off",
    "editor.autoClosingBrackets": "never",
    "[jsonc]": {"editor.autoClosingBrackets": "never"},  # which has a default of its own
    "editor.autoIndent": "none",
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.minimap.enabled": False,
}


class CodeServer:
    """One code-server with a profile of its own under `home`; the extension is installed from its .vsix."""

    def __init__(
        self, entry: Path, home: Path, vsix: Path, settings: Mapping[str, Any], variables: Mapping[str, str]
    ) -> None:
        self._entry, self.home, self._vsix, self._settings = entry, home, vsix, settings
        self._variables = os.environ | {"HOME": str(home), **variables}
        self._log = home / "code-server.log"
        self._user_settings = home / "data/User/settings.json"
        self.machine_settings = home / "data/Machine/settings.json"  # where a program of this machine is named

    def __enter__(self) -> CodeServer:
        for path, settings in ((self._user_settings, QUIET), (self.machine_settings, self._settings)):
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(settings))
        self._run("--install-extension", str(self._vsix))
        command = [*self._command, "--bind-addr", "127.0.0.1:0", "--auth", "none", "--disable-update-check"]
        with self._log.open("w") as log:
            self._process = psutil.Popen(command, env=self._variables, cwd=self.home, stdout=log, stderr=log)
        self._address = self._when_it_listens()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        processes = [self._process, *self._process.children(recursive=True)]
        self._process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            process.kill()

    def url(self, folder: Path | None = None, file: Path | None = None) -> str:
        """Where a window with a folder, or none, and an open file is found."""
        query = {"folder": str(folder)} if folder else {"ew": "true"}
        if file:
            authority = self._address.removeprefix("http://")
            query["payload"] = json.dumps([["openFile", f"vscode-remote://{authority}{file}"]])
        return f"{self._address}/?{urlencode(query)}"

    def processes(self, word: str) -> list[psutil.Process]:
        """The processes below it with the word in their command lines."""
        found = []
        for process in self._process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any(word in argument for argument in process.cmdline()):
                    found.append(process)
        return found

    def extension_log(self) -> str:
        """What the extension wrote to its log, in all windows."""
        logs = sorted(self.home.glob("data/logs/**/midfill.midfill/*.log"))
        return "\n".join(log.read_text(encoding="utf-8") for log in logs)

    @property
    def storage(self) -> Path:
        """Where the extension keeps its own files."""
        return self.home / "data/User/globalStorage/midfill.midfill"

    @property
    def _command(self) -> list[str]:
        folders = ["--user-data-dir", str(self.home / "data"), "--extensions-dir", str(self.home / "extensions")]
        return ["node", str(self._entry), *folders, "--disable-telemetry"]

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self._command, *arguments], env=self._variables, capture_output=True, text=True, timeout=START_S
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _when_it_listens(self) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if found := re.search(r"HTTP server listening on (http://\S+?)/?$", self._log.read_text(), re.MULTILINE):
                return found[1]
            time.sleep(POLL_S)
        raise AssertionError(f"code-server does not listen:\n{self._log.read_text()}")
