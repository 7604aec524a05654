"""VS Code for the end-to-end tests: code-server and the extension's .vsix, one browser, windows as they are needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from e2e.conftest import installed
from e2e.vscode.code_server import CodeServer
from e2e.vscode.window import Window
from midfill_model.files import store

PICTURES = Path(__file__).parents[3] / ".cache/e2e/vscode"
# A container has no sandbox, and nothing but the page may talk to anybody.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

OF_THE_USER = {"midfill.pythonPath": sys.executable}


@pytest.fixture(scope="session")
def vsix() -> Path:
    return installed("code_server_extension.sh")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def start_code_server(
    vsix: Path, smollm2: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., CodeServer]]:
    """Starts code-servers, each with a fresh profile, with settings of its user and variables in its environment."""
    entry = installed("code_server.sh")
    with ExitStack() as running:

        def start(settings: Mapping[str, Any], **variables: str) -> CodeServer:
            home = tmp_path_factory.mktemp("home")
            variables = {store.MODELS_DIR_VARIABLE: str(smollm2.parent), **variables}
            for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
                variables[f"XDG_{kind}_HOME"] = str(home / kind.lower())
            return running.enter_context(CodeServer(entry, home, vsix, settings, variables))

        yield start


@pytest.fixture(scope="module")
def code_server(start_code_server: Callable[..., CodeServer]) -> CodeServer:
    """The one that the tests of a module share. Its user has named the Python of these tests."""
    return start_code_server(OF_THE_USER)


@pytest.fixture(scope="module")
def new_window(browser: Browser) -> Iterator[Callable[[CodeServer], Window]]:
    """Opens windows, each as a browser that was never there before."""
    with ExitStack() as opened:

        def new(server: CodeServer) -> Window:
            context = browser.new_context(viewport={"width": 1100, "height": 620})
            opened.callback(context.close)
            context.route("**/*", _stay_here)
            return Window(context.new_page(), server, PICTURES)

        yield new


def _stay_here(route: Route) -> None:
    if "//127.0.0.1:" in route.request.url:
        route.continue_()
    else:
        route.abort()
