"""A minute of fast typing in two Neovims at once: nothing typed is lost, no ghost text is stale, memory stays flat."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.neovim import Neovim, plugin_init
from e2e.neovim_screen import COLOUR_GHOSTS, Frame, Screen

pytestmark = pytest.mark.e2e

Start = Callable[..., Neovim]

KEYS_PER_S = 12
DURATION_S = 60
MAX_GROWTH_BYTES = 12 * 2**20  # of Neovim, from the first quarter to the end: undo, and what allocators keep

# Notes what the server answers, and where, before anything is made of it; and how long nothing else could run.
OBSERVE = """
_G.answers, _G.max_pause_ms = {}, 0
local client = vim.lsp.get_clients({ bufnr = 0, name = 'midfill' })[1]
local request = client.request
client.request = function(self, method, params, handler, bufnr)
  if method ~= 'textDocument/inlineCompletion' then return request(self, method, params, handler, bufnr) end
  local at = vim.api.nvim_buf_get_offset(0, params.position.line) + params.position.character
  return request(self, method, params, function(failure, result, context)
    for _, item in ipairs(result and result.items or {}) do table.insert(answers, { at, item.insertText }) end
    return handler(failure, result, context)
  end, bufnr)
end
local last = vim.uv.hrtime()
vim.uv.new_timer():start(0, 10, function()
  local now = vim.uv.hrtime()
  max_pause_ms = math.max(max_pause_ms, (now - last) / 1e6 - 10)
  last = now
end)
"""

SCRIPT = '''
class Shelf:
    """Boxes that stand beside each other."""

    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.boxes = []

    def add(self, box):
        if box.width > self.free_width():
            raise ValueError("too wide")
        self.boxes.append(box)

    def remove(self, box):
        self.boxes.remove(box)

    def free_width(self):
        return self.width - sum(box.width for box in self.boxes)

    def free_height(self):
        return self.height - max(box.height for box in self.boxes)

    def __len__(self):
        return len(self.boxes)

    def __contains__(self, box):
        return box in self.boxes
'''


@dataclass
class Typist:
    """Somebody at a Neovim, and its memory after a quarter of the time."""

    editor: Neovim
    screen: Screen
    early: dict[str, int]


def test_a_minute_of_typing(
    neovim: Start, nvim_012: Path, nvim_011: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typists = {"0.12": _typist(neovim, nvim_012, tmp_path), "0.11": _typist(neovim, nvim_011, tmp_path)}
    began, typed = time.monotonic(), ""
    while (now := time.monotonic() - began) < DURATION_S:
        key = SCRIPT[len(typed) % len(SCRIPT)]
        typed += key
        for typist in typists.values():
            typist.editor.type("<CR>" if key == "\n" else key)
            if not typist.early and now > DURATION_S / 4:
                typist.early = _memory(typist.editor)
        time.sleep(max(0.0, began + len(typed) / KEYS_PER_S - time.monotonic()))  # the pace of the keys, no waiting
    with capsys.disabled():
        for name, typist in typists.items():
            _judge(name, typist, typed)


def _typist(neovim: Start, program: Path, folder: Path) -> Typist:
    # What is typed is what comes to stand there.
    before = COLOUR_GHOSTS + "vim.cmd('filetype indent off')\nvim.o.autoindent = false"
    editor = neovim(program, plugin_init(before=before))
    editor.open(folder / "shelf.py", "")
    editor.nvim.exec_lua(OBSERVE)
    screen = Screen(editor.nvim, n_columns=160, n_lines=40)
    editor.type("i")
    editor.wait("vim.api.nvim_get_mode().mode == 'i'", "insert mode")
    screen.frames()
    return Typist(editor, screen, {})


def _memory(editor: Neovim) -> dict[str, int]:
    """Bytes in memory, of Neovim and of what runs below it, and of Lua's objects."""
    lua = editor.nvim.exec_lua("collectgarbage() collectgarbage() return collectgarbage('count')")
    below = sum(process.memory_info().rss for process in editor.process.children(recursive=True))
    return {"Neovim": editor.process.memory_info().rss, "Lua": int(lua * 1024), "server": below}


def _judge(name: str, typist: Typist, typed: str) -> None:
    editor = typist.editor
    editor.wait_for_answer()
    frames, late = typist.screen.frames(), _memory(editor)
    suggested = [typed[:at] + text for at, text in editor.lua("answers")]
    stale = _stale(frames, typed, suggested)
    sizes = ", ".join(f"{key} {typist.early[key] / 2**20:.1f} to {late[key] / 2**20:.1f} MiB" for key in late)
    n_ghosts = sum(bool(frame.ghost) for frame in frames)
    print(
        f"\nNeovim {name}: {len(typed)} keys, {len(suggested)} suggestions, {len(frames)} frames, {n_ghosts} of them "
        f"with ghost text, {len(stale)} stale; longest pause of the editor {editor.lua('max_pause_ms'):.0f} ms; {sizes}"
    )
    assert "\n".join(editor.lines) == typed, "keys were lost"
    assert n_ghosts > 20, "too little was shown to tell anything"
    assert not stale
    assert late["Neovim"] - typist.early["Neovim"] < MAX_GROWTH_BYTES


def _stale(frames: Sequence[Frame], typed: str, suggested: Sequence[str]) -> list[Frame]:
    """The frames whose ghost text is not what some suggestion says to follow there."""
    stale, n_seen = [], 0
    for frame in frames:
        # How much is typed by then: never less than in the frame before.
        places = [n for n in range(n_seen, len(typed) + 1) if typed[:n].rpartition("\n")[2] == frame.before][:3]
        fits = any(text.startswith(typed[:n] + frame.ghost) for n in places for text in suggested)
        if not places or frame.is_elsewhere or (frame.ghost and not fits):
            stale.append(frame)
        n_seen = places[0] if places else n_seen
    return stale
