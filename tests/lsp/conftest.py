"""Clients of the real server, each in a process of its own, with a scripted engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lsp_client import LspClient

Launch = Callable[..., LspClient]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Starts servers that live as long as the test; none of them may leave a warning or a traceback behind."""
    clients: list[LspClient] = []
    with ExitStack() as running:

        def start(*arguments: str, command: list[str] | None = None, folder: Path | None = None) -> LspClient:
            client = running.enter_context(LspClient(*arguments, command=command, folder=folder))
            clients.append(client)
            return client

        yield start
    for client in clients:
        assert not client.broken
        assert_clean(client.stderr)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LspClient]:
    """One initialized server for all tests of a module that do not end it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))  # it starts before any test's `user_dirs`
        running = LspClient()
    with running as client:
        client.start(workspaceFolders=[{"uri": "file:///project", "name": "project"}])
        yield client
        assert client.shut_down() == 0
    assert_clean(client.stderr)


def assert_clean(stderr: str) -> None:
    for sign in ("Traceback", "Warning", "never awaited", "never retrieved"):
        assert sign not in stderr, stderr
