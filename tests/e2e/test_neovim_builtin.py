"""Neovim 0.12 without the plugin, set up as the README says: its own inline completion, and the server behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.neovim import OBSERVED_SERVER, SERVER, Neovim, builtin_init

pytestmark = pytest.mark.e2e

Start = Callable[..., Neovim]

TEXT = "def add(a, b):\n    return a + b\n\n\ndef multiply(a, b):\n"


def test_ghost_text_accepting_and_a_killed_worker(neovim: Start, nvim_012: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    editor = neovim(nvim_012, builtin_init(OBSERVED_SERVER), path)
    editor.wait_for_server()
    expected = editor.with_text(editor.type_and_see_ghost_text("Goreturn"))
    editor.type("<Tab>")
    editor.wait_for_answer()
    assert editor.lines == expected
    assert editor.server_text() == "\n".join([*expected, ""])

    worker, server = editor.process_with("midfill_model.local.worker"), editor.process_with(OBSERVED_SERVER[-1])
    assert worker is not None
    assert server is not None
    editor.lua("(function() watch.ready = false end)()")
    worker.kill()
    editor.wait("watch.ready", "the worker to be back")
    assert server.is_running()
    assert editor.type_and_see_ghost_text("<CR><CR><CR>def divide(a, b):<CR>return").strip()


def test_one_server_for_files_of_several_projects(neovim: Start, nvim_012: Path, tmp_path: Path) -> None:
    paths = [tmp_path / name / "a.py" for name in ("one", "two")]
    for path in paths:
        (path.parent / ".git").mkdir(parents=True)
        path.write_text(TEXT)
    editor = neovim(nvim_012, builtin_init(SERVER), paths[0])
    for path in paths:
        editor.open(path)
        assert editor.type_and_see_ghost_text("Goreturn").strip()
        editor.leave_insert_mode()
        editor.nvim.command("write")
    assert editor.lua("#vim.lsp.get_clients({ name = 'midfill' })") == 1
