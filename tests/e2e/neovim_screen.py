"""A screen for Neovim: takes in what it sends to a terminal, and keeps what that would show, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pynvim

GHOST_COLOUR = 0x12AB34
# On a screen, colours are all that tells ghost text from text: one that nothing else has, for init.lua.
COLOUR_GHOSTS = "".join(
    f"vim.api.nvim_set_hl(0, '{group}', {{ fg = '#{GHOST_COLOUR:06x}' }})\n" for group in ("MidfillGhost", "ComplHint")
)

_MARK = "frames are complete up to here"


@dataclass(frozen=True)
class Frame:
    """What the screen shows when it is drawn completely: the cursor's line up to the cursor, ghost text after it.

    `is_elsewhere` says that there is ghost text in other places.
    """

    before: str
    ghost: str
    is_elsewhere: bool


class Screen:
    """The frames of one Neovim, which it is attached to."""

    def __init__(self, nvim: pynvim.Nvim, n_columns: int, n_lines: int) -> None:
        self._nvim = nvim
        self._cells = [[(" ", 0)] * n_columns for _ in range(n_lines)]
        self._cursor = (0, 0)
        self._ghostly = {0: False}
        nvim.ui_attach(n_columns, n_lines, rgb=True, ext_linegrid=True)

    def frames(self) -> list[Frame]:
        """Those drawn since the last call."""
        self._nvim.exec_lua("vim.rpcnotify(...)", self._nvim.channel_id, _MARK)
        frames = []
        while (message := self._nvim.next_message())[1] != _MARK:
            for name, *calls in message[2]:
                for arguments in calls:
                    self._take(name, arguments)
                if name == "flush":
                    frames.append(self._frame())
        return frames

    def _take(self, name: str, arguments: Sequence[Any]) -> None:
        if name == "hl_attr_define":
            self._ghostly[arguments[0]] = arguments[1].get("foreground") == GHOST_COLOUR
        elif name == "grid_cursor_goto":
            self._cursor = (arguments[1], arguments[2])
        elif name == "grid_clear":
            self._cells = [[(" ", 0)] * len(row) for row in self._cells]
        elif name == "grid_line":
            self._draw(*arguments[1:4])
        elif name == "grid_scroll":
            self._scroll(*arguments[1:6])

    def _draw(self, row: int, column: int, cells: Sequence[Sequence[Any]]) -> None:
        colour = 0
        for text, *more in cells:
            colour = more[0] if more else colour
            for _ in range(more[1] if len(more) > 1 else 1):
                self._cells[row][column] = (text, colour)
                column += 1

    def _scroll(self, top: int, bottom: int, left: int, right: int, n_rows: int) -> None:
        rows = range(top, bottom - n_rows) if n_rows > 0 else range(bottom - 1, top - n_rows - 1, -1)
        for row in rows:
            self._cells[row][left:right] = self._cells[row + n_rows][left:right]

    def _frame(self) -> Frame:
        row, column = self._cursor
        ghost = [self._ghost_in(self._cells[row][column:])]
        for cells in self._cells[row + 1 :]:
            if any(text.strip() and not self._ghostly[colour] for text, colour in cells):
                break
            ghost.append(self._ghost_in(cells))
        while len(ghost) > 1 and not ghost[-1]:  # blank lines are the ghost text's where more of it follows
            del ghost[-1]
        n_cells = sum(self._ghostly[colour] for cells in self._cells for _, colour in cells)
        before = "".join(text for text, _ in self._cells[row][:column])
        return Frame(before, "\n".join(ghost), is_elsewhere=n_cells > sum(map(len, ghost)))

    def _ghost_in(self, cells: Sequence[tuple[str, int]]) -> str:
        return "".join(text for text, colour in cells if self._ghostly[colour])
