"""VS Code as it is used: ghost text, taking it or a part of it, pausing, a server that dies, a wrong setting."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.vscode.code_server import CodeServer
from e2e.vscode.conftest import OF_THE_USER
from e2e.vscode.window import STATUS, Window
from midfill_lsp.outcomes.figures import read_figures

pytestmark = pytest.mark.e2e

ARITHMETIC = """\
def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def multiply(a, b):
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("project") / "a.py"
    path.write_text(ARITHMETIC)
    return path


@pytest.fixture(scope="module")
def window(code_server: CodeServer, new_window: Callable[[CodeServer], Window], file: Path) -> Window:
    window = new_window(code_server)
    window.open(file.parent, file, trust=True)
    window.until_ready()
    return window


def test_activation(window: Window, capsys: pytest.CaptureFixture[str]) -> None:
    """What it costs the extension host, by its own account; the server starts after that."""
    window.run("Developer: Show Running Extensions")
    row = window.page.locator('.runtime-extensions-editor .monaco-list-row:has-text("midfill")')
    time = window.until(lambda: re.search(r"(\d+)\s*ms", row.inner_text()), "the time of activation")
    with capsys.disabled():
        print(f"\nVS Code: the extension is activated in {time[1]} ms")
    window.close()


def test_ghost_text_and_tab(window: Window, file: Path) -> None:
    window.write(ARITHMETIC)
    ghost = window.type_and_see_ghost_text("    return")
    window.picture("ghost-text")
    window.see_saved(file, f"{ARITHMETIC}    return")  # ghost text is not text
    window.press("Tab")
    window.see_saved(file, f"{ARITHMETIC}    return{ghost}")


def test_words_leave_the_rest(window: Window, file: Path) -> None:
    window.write(ARITHMETIC)
    whole = window.type_and_see_ghost_text("    if").splitlines()[0]

    def rest() -> str:
        return (window.ghost_text().splitlines() or [""])[0]

    for n_left in (len(whole), len(whole.lstrip())):  # a blank, which the editor takes by itself, then a word
        window.press("Control+ArrowRight")
        window.until(lambda n=n_left: 0 < len(rest()) < n, "the rest of the ghost text")
    window.picture("word-accepted")
    assert whole.endswith(rest())
    window.see_saved(file, f"{ARITHMETIC}    if{whole.removesuffix(rest())}")


def test_a_line_of_several(window: Window, file: Path) -> None:
    window.write(ARITHMETIC)
    first, *_ = window.type_and_see_ghost_text("    if", n_lines=2).splitlines()
    window.picture("several-lines")
    window.press("Alt+End")
    window.see_saved(file, f"{ARITHMETIC}    if{first}\n")


def test_alternatives(window: Window) -> None:
    window.write(f"{ARITHMETIC}    return a * b\n\n\ndef divide(a, b):\n    return")
    first = window.type_and_see_ghost_text(" a")
    window.press("Alt+BracketRight")
    second = window.until(lambda: window.ghost_text() not in ("", first) and window.ghost_text(), "an alternative")
    window.press("Alt+BracketLeft")
    window.until(lambda: window.ghost_text() == first, f"{first!r} again after {second!r}")


def test_pausing_in_a_language(window: Window) -> None:
    window.write(ARITHMETIC)
    window.run("midfill: Pause or Go On in This Language")
    window.until(lambda: "pauses in this language" in window.status(), "the pause")
    window.type("    return")

    def is_refused() -> bool:
        window.press("Alt+Backslash")
        return "suggestions are paused for python" in window.why()

    window.until(is_refused, "a request that is refused")
    assert not window.ghost_text()
    window.run("midfill: Pause or Go On in This Language")
    window.until(lambda: "pauses" not in window.status(), "the end of the pause")
    assert window.type_and_see_ghost_text(" ")


def test_menu_and_models(window: Window) -> None:
    window.page.locator(STATUS).first.click()
    window.page.locator(".quick-input-list .monaco-list-row").first.wait_for()
    window.picture("menu")
    window.choose("Choose the model")
    window.until(lambda: "in use" in window.page.locator(".quick-input-list").inner_text(), "the models")
    window.picture("models")
    window.press("Escape")


def test_accepted_words_and_lines_are_counted(window: Window, code_server: CodeServer) -> None:
    def counted() -> bool:
        rows = read_figures(code_server.home / "data/midfill/statistics.sqlite3")
        return all(any(getattr(row, f"n_accepted_{name}") for row in rows) for name in ("whole", "line", "word"))

    window.until(counted, "whole suggestions, lines and words in the statistics")
    window.run("midfill: Show Statistics")
    window.until(lambda: "python" in window.editor_text(), "the statistics")
    window.picture("statistics")
    window.close()


def test_killed_server_comes_back(window: Window, code_server: CodeServer) -> None:
    window.write(ARITHMETIC)
    [server] = code_server.processes("midfill_lsp")
    server.kill()
    window.until(lambda: "is ready" not in window.status(), "the end of the server")
    window.until_ready()
    assert server not in code_server.processes("midfill_lsp")
    window.type_and_see_ghost_text("    return")


def test_wrong_setting_is_named(window: Window) -> None:
    window.set(OF_THE_USER | {"midfill.maxTokens": "many", "midfill.maxToken": 3})
    message = window.until_message("settings ignored")
    window.picture("wrong-setting")
    assert "maxTokens: must be a whole number" in message or "maxTokens: must be a number" in message
    assert "maxToken: no such setting, did you mean maxTokens?" in message
    window.set(OF_THE_USER)
    window.write(ARITHMETIC)
    assert window.type_and_see_ghost_text("    return")


def test_missing_python_is_told(window: Window, tmp_path: Path) -> None:
    window.set({"midfill.pythonPath": str(tmp_path / "no-python")})
    assert "no-python cannot be started" in window.until_message("midfill is not running")
    assert "is not running" in window.status()
    window.picture("no-python")
    window.set(OF_THE_USER)
    window.until_ready()
