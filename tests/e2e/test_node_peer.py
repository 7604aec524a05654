"""The protocol's reference implementation for Node as a client, speaking UTF-16."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from e2e.neovim import SERVER

pytestmark = pytest.mark.e2e

CHECKS = [
    "initialize",
    "answer while the model loads",
    "status",
    "progress",
    "configuration is asked for",
    "bad setting is named once",
    "inline completion",
    "accept",
    "utf-16",
    "cancel",
    "model stops when cancelled",
    "unknown method",
    "changed configuration",
    "shutdown and exit",
]


def test_node_peer(node_peer: Path) -> None:
    done = subprocess.run(["node", node_peer, *SERVER], capture_output=True, text=True, timeout=170)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report for report in reports if not report["ok"]] == [], done.stderr
    assert done.returncode == 0, done.stderr
    assert [report["check"] for report in reports] == CHECKS


def test_end_of_the_client_is_the_end_of_the_server() -> None:
    done = subprocess.run(SERVER, input="", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, "the exit code for an exit without a shutdown"
    assert done.stdout == ""
