"""Runs the project's commands as users do: as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

MIDFILL = "import sys; from midfill_lsp.cli import main; sys.exit(main())"
MIDFILL_TRAIN = "import sys; from midfill_training.cli import main; sys.exit(main())"


def run(
    program: str, *args: str, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command with `env` added to the environment; its stdin is no terminal."""
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
