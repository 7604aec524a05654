"""Two releases of Neovim as clients: built-in inline completion in 0.12, a few lines of Lua in 0.11."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.neovim import OBSERVED_SERVER, SERVER, Neovim

pytestmark = pytest.mark.e2e

Start = Callable[[Path, Sequence[str]], Neovim]

ARITHMETIC = """\
def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def multiply(a, b):
"""


@dataclass(frozen=True)
class Case:
    """A file, the keys that go on with it at its end, and the text they add."""

    text: str
    keys: str
    added: str
    line_end: str = "\n"


CASES = {
    "in a line": Case(ARITHMETIC, "Goreturn", "\n    return"),
    "several lines": Case(ARITHMETIC, "GA", ""),
    "accents and emoji before the cursor": Case('é = "é", "😀"\nprint("é 😀", é)\nprint(\n', 'GA"é 😀",', '"é 😀",'),
    "CRLF": Case(ARITHMETIC, "Goreturn", "\n    return", "\r\n"),
    "CRLF, several lines": Case(ARITHMETIC, "GA", "", "\r\n"),
    "form feeds": Case(f"import os\n\f\nimport re\v, sys\n\f\n{ARITHMETIC}", "Goreturn", "\n    return"),
}


@pytest.fixture(params=["0.12", "0.11"])
def program(request: pytest.FixtureRequest) -> Path:
    name = {"0.12": "nvim_012", "0.11": "nvim_011"}[request.param]
    path: Path = request.getfixturevalue(name)
    return path


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ghost_text_and_accepting(neovim: Start, program: Path, tmp_path: Path, case: Case) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(case.text.replace("\n", case.line_end).encode())
    editor = neovim(program, OBSERVED_SERVER)
    editor.open(path)
    ghost = editor.type_and_see_ghost_text(case.keys)
    assert ghost.strip()
    assert editor.lines == (case.text.removesuffix("\n") + case.added).split("\n"), "ghost text is not text"
    expected = editor.with_text(ghost)

    editor.type("<Tab>")
    editor.wait(f"#vim.api.nvim_buf_get_lines(0, 0, -1, true) == {len(expected)}", "the lines of the ghost text")
    editor.wait_for_answer()
    assert editor.lines == expected
    row, column = editor.cursor
    assert (row, column) == (len(expected) - 1, len(expected[-1])), "the cursor stands behind what came in"
    assert editor.server_text() == case.line_end.join([*expected, ""])

    editor.type("<Esc>:write<CR>")
    editor.wait("not vim.bo.modified", "the file to be written")
    assert path.read_bytes() == case.line_end.join([*expected, ""]).encode()


def test_typing_on_leaves_no_stale_ghost_text(neovim: Start, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(ARITHMETIC)
    editor = neovim(program, OBSERVED_SERVER)
    editor.open(path)
    editor.type_and_see_ghost_text("Goret")
    for key in "urn sum([a for _ in range(":
        editor.type(key)
    editor.wait_for_answer()
    expected = editor.with_text(editor.ghost_text())
    editor.type("<Tab>" if editor.ghost_text() else "")
    editor.wait_for_answer()
    assert editor.lines == expected
    assert editor.server_text() == "\n".join([*expected, ""])


def test_ghost_text_goes_with_insert_mode(neovim: Start, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(ARITHMETIC)
    editor = neovim(program, SERVER)
    editor.open(path)
    before = editor.lines
    editor.type_and_see_ghost_text("Goreturn")
    editor.type("<Esc>")
    editor.wait("vim.api.nvim_get_mode().mode == 'n'", "normal mode")
    assert editor.lines == [*before, "    return"]
    assert not editor.ghost_text()


def test_killed_worker_comes_back(neovim: Start, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(ARITHMETIC)
    editor = neovim(program, SERVER)
    editor.open(path)
    editor.type_and_see_ghost_text("Goreturn")
    worker = editor.process_with("midfill_model.local.worker")
    server = editor.process_with("midfill_lsp")
    assert worker is not None
    assert server is not None
    editor.lua("(function() watch.ready = false end)()")
    worker.kill()
    editor.wait("watch.ready", "the worker to be back")
    assert server.is_running()
    ghost = editor.type_and_see_ghost_text(" a")
    assert ghost.strip()


def test_two_servers_do_not_disturb_each_other(neovim: Start, nvim_012: Path, nvim_011: Path, tmp_path: Path) -> None:
    editors = [neovim(program, OBSERVED_SERVER) for program in (nvim_012, nvim_011)]
    texts = [ARITHMETIC, ARITHMETIC.replace("multiply", "divide")]
    for editor, text, name in zip(editors, texts, ["one", "two"], strict=True):
        path = tmp_path / name / "a.py"
        path.parent.mkdir()
        path.write_text(text)
        editor.open(path)
    for editor in editors:
        editor.type("Goreturn")
    for editor, text in zip(editors, texts, strict=True):
        assert editor.type_and_see_ghost_text("").strip()
        assert editor.server_text() == f"{text}    return\n"
    worker = editors[0].process_with("midfill_model.local.worker")
    assert worker is not None
    worker.kill()
    assert editors[1].type_and_see_ghost_text(" a").strip(), "the other one goes on"


def test_one_server_for_files_of_several_projects(neovim: Start, nvim_012: Path, tmp_path: Path) -> None:
    editor = neovim(nvim_012, SERVER)
    for name in ("one", "two"):
        path = tmp_path / name / "a.py"
        (path.parent / ".git").mkdir(parents=True)
        path.write_text(ARITHMETIC)
        editor.open(path)
        assert editor.type_and_see_ghost_text("Goreturn").strip()
        editor.type("<Esc>:write<CR>")
        editor.wait("not vim.bo.modified", "the file to be written")
    assert editor.lua("#vim.lsp.get_clients({ name = 'midfill' })") == 1
