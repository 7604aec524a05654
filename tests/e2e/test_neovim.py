"""The plugin in two releases of Neovim, by real keys: ghost text, accepting it, going through suggestions, pausing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.neovim import OBSERVED_SERVER, Neovim, plugin_init

pytestmark = pytest.mark.e2e

Start = Callable[..., Neovim]

ARITHMETIC = """\
def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def multiply(a, b):
"""
CLAMP = """\
def lowest(values):
    if not values:
        return None
    return min(values)


def highest(values):
    if not values:
        return None
    return max(values)


def middle(values):
"""


@pytest.fixture(scope="module")
def shared(program: Path, lasting_neovim: Start) -> Neovim:
    return lasting_neovim(program, plugin_init(OBSERVED_SERVER))


@pytest.fixture
def editor(shared: Neovim) -> Iterator[Neovim]:
    """One Neovim for all tests here, in normal mode and with nothing paused."""
    yield shared
    shared.leave_insert_mode()
    shared.nvim.command("silent! Midfill resume")
    shared.nvim.command("silent! %bwipeout!")


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


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ghost_text_and_accepting(editor: Neovim, tmp_path: Path, case: Case) -> None:
    path = tmp_path / "a.py"
    editor.open(path, case.text.replace("\n", case.line_end))
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

    editor.leave_insert_mode()
    editor.nvim.command("write")
    assert path.read_bytes() == case.line_end.join([*expected, ""]).encode()
    editor.nvim.command("undo")
    assert editor.lines == (case.text.removesuffix("\n") + case.added).split("\n"), "what was accepted, and no more"


def test_keys_that_come_at_once_act_in_their_order(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    ghost = editor.type_and_see_ghost_text("Goreturn")
    expected = editor.with_text(ghost + "  # x")
    editor.type("<Tab>  # x")
    editor.wait_for_answer()
    assert editor.lines == expected


def test_typing_what_the_ghost_text_says_keeps_the_rest(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    ghost = editor.type_and_see_ghost_text("Goreturn")
    editor.type(ghost[:2])
    editor.wait(f"vim.api.nvim_get_current_line() == '    return{ghost[:2]}'", "the keys")
    assert editor.ghost_text() == ghost[2:], "at once, without asking the server"
    editor.type("?")
    editor.wait("vim.api.nvim_get_current_line():match('%?$') ~= nil", "the key")
    assert editor.ghost_text() == "", "what was typed is not what it says"


def test_word_and_line_leave_the_rest(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", CLAMP)
    before = editor.lines
    ghost = editor.type_and_see_ghost_text("GA")
    lines = ghost.split("\n")
    assert len(lines) > 2, f"not the suggestion that this test needs: {ghost!r}"

    editor.type("<M-Right>")
    editor.wait(f"vim.api.nvim_buf_line_count(0) == {len(before) + 1}", "the first word")
    taken = "\n".join(editor.lines[len(before) - 1 :]).removeprefix(before[-1])
    assert ghost.startswith(taken)
    assert taken.split() == [lines[1].split()[0]], "a word, with the line break before it"
    assert editor.ghost_text() == ghost.removeprefix(taken)

    editor.type("<M-Down>")
    editor.wait(f"vim.api.nvim_get_current_line() == '{lines[1]}'", "the line")
    assert editor.lines == [*before, lines[1]]
    assert editor.ghost_text() == "\n" + "\n".join(lines[2:])
    told = editor.told("textDocument/didPartiallyAcceptCompletion")[-2:]
    # Of the first item, or of the one that the server has answered with meanwhile.
    accepted = [each["item"]["insertText"][: each["acceptedLength"]] for each in told]
    assert accepted[0] == taken
    assert ("\n" + lines[1]).endswith(accepted[1])

    editor.wait_for_answer()
    assert editor.ghost_text().startswith("\n" + lines[2]), "also when the server has answered"
    assert editor.server_text() == "\n".join([*before, lines[1], ""])


def test_server_is_told_what_is_shown_once(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    ghost = editor.type_and_see_ghost_text("Goreturn")
    told = editor.told("textDocument/didShowCompletion")
    editor.type(ghost[0])
    editor.wait_for_answer()
    assert told[-1]["item"]["insertText"] == ghost
    ids = [each["item"]["command"]["arguments"][0] for each in editor.told("textDocument/didShowCompletion")]
    assert len(ids) == len(set(ids))


def test_going_through_suggestions(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", CLAMP)
    first = editor.type_and_see_ghost_text("Goreturn ")
    editor.type("<M-]>")
    editor.wait_for_answer()
    editor.wait(_HINT.format(number=2), "the second suggestion")
    second = editor.ghost_text()
    assert second != first
    editor.type("<M-[>")
    editor.wait(_HINT.format(number=1), "the first suggestion again")
    assert editor.ghost_text() == first
    editor.type("<M-]>")
    editor.wait(_HINT.format(number=2), "the second suggestion again")
    expected = editor.with_text(second)
    editor.type("<Tab>")
    editor.wait_for_answer()
    assert editor.lines == expected


_HINT = (
    "vim.inspect(vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('midfill'), 0, -1, "
    "{{ details = true }})):match(' %({number}/%d%)') ~= nil"
)


def test_dismissing_and_asking(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    ghost = editor.type_and_see_ghost_text("Goreturn")
    editor.type("<C-]>")
    editor.wait("not require('midfill').is_visible()", "the ghost text to go")
    assert editor.ghost_text() == ""
    editor.type("<M-]>")
    editor.wait("require('midfill').is_visible()", "the ghost text to come back")
    assert editor.ghost_text().startswith(ghost)


def test_ghost_text_goes_with_insert_mode(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    before = editor.lines
    editor.type_and_see_ghost_text("Goreturn")
    editor.leave_insert_mode()
    assert editor.lines == [*before, "    return"]
    assert not editor.ghost_text()


def test_pausing_for_a_filetype(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    editor.type_and_see_ghost_text("Goreturn")
    editor.nvim.command("Midfill pause filetype")
    editor.wait("require('midfill').status() == 'midfill: paused'", "the pause")
    assert editor.ghost_text() == ""
    editor.leave_insert_mode()

    editor.open(tmp_path / "a.js", "function add(a, b) {\n  return a + b;\n}\n\nfunction multiply(a, b) {\n")
    assert editor.lua("require('midfill').status()") == "midfill"
    assert editor.type_and_see_ghost_text("Goreturn").strip()
    editor.leave_insert_mode()

    editor.open(tmp_path / "a.py")
    editor.nvim.command("Midfill toggle filetype")
    editor.wait("require('midfill').status() == 'midfill'", "the end of the pause")
    assert editor.type_and_see_ghost_text("Goreturn").strip()


def test_popup_menu_keeps_its_keys(editor: Neovim, tmp_path: Path) -> None:
    editor.nvim.command("inoremap <expr> <Tab> pumvisible() ? '<C-n>' : '<Tab>'")
    try:
        editor.open(tmp_path / "a.py", ARITHMETIC)
        editor.nvim.command("set completeopt=menuone,noinsert")
        editor.type_and_see_ghost_text("Goreturn")
        editor.type(" <C-n>")
        editor.wait("vim.fn.pumvisible() == 1", "the popup menu")
        assert editor.ghost_text() == ""
        selected = editor.lua("vim.fn.complete_info({ 'selected' }).selected")
        editor.type("<Tab>")
        editor.wait(f"vim.fn.complete_info({{ 'selected' }}).selected == {selected + 1}", "the next entry of the menu")
        editor.type("<C-e>")
        editor.wait("vim.fn.pumvisible() == 0", "the menu to go")
        editor.wait("require('midfill').is_visible()", "ghost text again")
    finally:
        editor.nvim.command("iunmap <Tab>")


def test_menu_of_a_plugin_keeps_tab(editor: Neovim, tmp_path: Path) -> None:
    """As far as it says, the way nvim-cmp does, that it is open."""
    editor.open(tmp_path / "a.py", ARITHMETIC)
    editor.type_and_see_ghost_text("Goreturn")
    editor.nvim.exec_lua("package.loaded.cmp = { visible = function() return true end }")
    editor.type("<Tab>x")
    editor.wait("vim.api.nvim_get_current_line():match('x$') ~= nil", "the keys")
    assert editor.lines[-1] == "    return  x"
    editor.nvim.exec_lua("package.loaded.cmp = nil")


def test_snippet_keeps_tab(editor: Neovim, tmp_path: Path) -> None:
    editor.open(tmp_path / "a.py", ARITHMETIC)
    jump = "vim.snippet.active({ direction = 1 }) and '<Cmd>lua vim.snippet.jump(1)<CR>' or '<Tab>'"
    editor.nvim.exec_lua(f"vim.keymap.set('i', '<Tab>', function() return {jump} end, {{ expr = true }})")
    editor.type("Goreturn ")
    editor.wait_for_answer()
    editor.nvim.exec_lua("vim.snippet.expand('total(${1:a}, ${2:b})')")
    editor.type("a")
    editor.wait_for_answer()
    editor.type("<Tab>")
    editor.wait("vim.api.nvim_get_mode().mode == 's'", "the second field of the snippet")
    editor.type("b")
    editor.wait_for_answer()
    assert editor.lines[-1] == "    return total(a, b)"
    editor.nvim.exec_lua("vim.snippet.stop()")


EARLIER = {
    "nothing": ("", "        x"),
    "keys": ("inoremap <buffer> <Tab> earlier", "    earlierx"),
    "keys that are mapped themselves": ("inoremap <Plug>(e) again | imap <Tab> <Plug>(e)", "    againx"),
    "an expression": ("inoremap <expr> <Tab> repeat('ab', 2)", "    ababx"),
    "a command": ("inoremap <Tab> <Cmd>call setline('.', getline('.') .. '#')<CR><End>", "    #x"),
    "a function": (
        "lua vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ '!' }, 'c', false, true) end)",
        "    !x",
    ),
}


@pytest.mark.parametrize(("mapping", "line"), EARLIER.values(), ids=EARLIER)
def test_tab_without_ghost_text_does_what_it_did(editor: Neovim, tmp_path: Path, mapping: str, line: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(ARITHMETIC)
    editor.nvim.command(f"edit {path}")
    if "<buffer>" not in mapping:
        editor.wait_for_server()
    for command in mapping.split(" | "):
        editor.nvim.command(command)
    editor.wait_for_server()
    editor.nvim.command("let b:midfill = v:false")
    editor.type("Go<Tab>x")
    editor.wait("vim.api.nvim_get_current_line():match('x$') ~= nil", "the keys")
    assert editor.lines[-1] == line
    editor.leave_insert_mode()
    editor.nvim.command("silent! iunmap <Tab>")
