"""What the plugin computes and draws, in a real Neovim without a server: cuts, lengths, fits, ghost text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.neovim import PLUGIN, Neovim

pytestmark = pytest.mark.e2e

Start = Callable[..., Neovim]


@pytest.fixture(scope="module")
def editor(program: Path, lasting_neovim: Start) -> Neovim:
    return lasting_neovim(program, f"vim.opt.runtimepath:append('{PLUGIN}')")


FIRST_WORDS = {
    "name": ("value + 1", "value"),
    "blank and name": (" value + 1", " value"),
    "blank and sign": (" += 1", " +="),
    "sign, then name": (".append(x)", "."),
    "line break and indentation": ("\n    return x", "\n    return"),
    "not ASCII": ("größe_2 = 1", "größe_2"),
    "only blanks": ("   ", "   "),
}


@pytest.mark.parametrize(("text", "word"), FIRST_WORDS.values(), ids=FIRST_WORDS)
def test_first_word(editor: Neovim, text: str, word: str) -> None:
    assert editor.nvim.exec_lua("return require('midfill.text').first_word(...)", text) == word


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = 2", "a = 1"), ("\n  b = 2\n  c", "\n  b = 2"), ("a", "a"), ("\n\nx", "\n")]
)
def test_first_line(editor: Neovim, text: str, line: str) -> None:
    assert editor.nvim.exec_lua("return require('midfill.text').first_line(...)", text) == line


@pytest.mark.parametrize("text", ["", "abc", "é", "日本", "😀x", "a\n👩‍👩‍👧"])
def test_length_in_utf16(editor: Neovim, text: str) -> None:
    n_units = editor.nvim.exec_lua("return require('midfill.text').n_utf16(...)", text)
    assert n_units == len(text.encode("utf-16-le")) // 2


TABS = {
    "none": ("a b", 0, "a b"),
    "at the beginning": ("\tx", 0, "    x"),
    "in the middle of a stop": ("\tx", 2, "  x"),
    "behind a wide character": ("日\tx", 1, "日 x"),
    "two": ("\t\tx", 0, "        x"),
}


@pytest.mark.parametrize(("text", "column", "drawn"), TABS.values(), ids=TABS)
def test_tabs_are_drawn_as_blanks(editor: Neovim, text: str, column: int, drawn: str) -> None:
    assert editor.nvim.exec_lua("return require('midfill.text').without_tabs(...)", text, column, 4) == drawn


# Lines with | for the cursor, what is done to them, and what was typed by that.
CHANGES = {
    "nothing": (["f(|)"], "", ""),
    "characters": (["f(|)"], "normal! aé, b", "é, b"),
    "a line break": (["f(|)", "x"], "execute \"normal! ab,\\<CR>    c\"", "b,\n    c"),
    "in the text before": (["f(|)"], "call setline(1, 'g()')", None),
    "in the text behind": (["f(|)"], "call setline(1, 'f())')", None),
    "a line above": (["f(|)"], "call append(0, 'x')", None),
    "a line below": (["f(|)"], "call append(1, 'x')", None),
    "the cursor went back": (["f(|)"], "normal! 0", None),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "change", "typed"), CHANGES.values(), ids=CHANGES)
def test_what_was_typed_since(editor: Neovim, lines: list[str], change: str, typed: str | None) -> None:
    editor.nvim.command("enew! | set noautoindent virtualedit=onemore")
    row, column = next((y, line.index("|")) for y, line in enumerate(lines) if "|" in line)
    editor.nvim.current.buffer[:] = [line.replace("|", "") for line in lines]
    # Normal mode stands on the character before the one that insert mode stands before.
    editor.nvim.current.window.cursor = (row + 1, column)
    editor.nvim.exec_lua("_G.before = require('midfill.places').here()")
    if change:
        editor.nvim.current.window.cursor = (row + 1, column - 1)
        editor.nvim.command(change)
        if "normal! a" in change:
            editor.nvim.command("normal! l")
    assert editor.lua("require('midfill.places').typed_between(before, require('midfill.places').here())") == typed


DRAWINGS = {
    "in a line": ("f(|)", "a, b", 0, ["f(a, b)"]),
    "several lines at the end of a line": ("if x:|", "\n\treturn\n\ny", 0, ["if x:", "    return", "", "y"]),
    "what is replaced ends the text": ("f(|)", "a)", 1, ["f(a)"]),
    "what is replaced stands within the text": ("f(|)", "a) + g(b", 1, ["f(a) + g(b"]),
    "and something stays behind it": ("f(|) # x", "a) + g(b", 1, ["f(a) + g(b # x"]),
    "several lines before the end of a line": ("f(|) # é", "\n  a,\n", 0, ["f(", "  a,", ") # é"]),
    "several lines and replaced": ("f(|)", "\n  a\n) + b", 1, ["f(", "  a", ") + b"]),
    "a tab": ("x =|", "\t1", 0, ["x = 1"]),
}


@pytest.mark.parametrize(("line", "text", "n_replaced", "screen"), DRAWINGS.values(), ids=DRAWINGS)
def test_ghost_text_looks_as_the_file_will(
    editor: Neovim, line: str, text: str, n_replaced: int, screen: list[str]
) -> None:
    editor.nvim.command("enew! | set tabstop=4")
    editor.nvim.current.buffer[:] = [line.replace("|", "")]
    ghost = {"buf": editor.nvim.current.buffer.number, "row": 0, "col": line.index("|")}
    editor.nvim.exec_lua("require('midfill.ghost').draw(...)", ghost | {"text": text, "n_replaced": n_replaced})
    assert editor.screen() == screen
    editor.nvim.exec_lua("require('midfill.ghost').clear(0)")
    assert editor.screen() == [line.replace("|", "")]


def test_colours_are_the_editors_own_and_stay(editor: Neovim) -> None:
    linked = editor.nvim.exec_lua(
        "require('midfill.ghost') return vim.api.nvim_get_hl(0, { name = 'MidfillGhost' }).link"
    )
    assert linked in ("ComplHint", "NonText")
    editor.nvim.command("colorscheme habamax")
    assert editor.lua("vim.api.nvim_get_hl(0, { name = 'MidfillGhost' }).link") == linked
