"""Drives a headless Neovim by real keys, and sees what its user would see."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import pynvim

ROOT = Path(__file__).parents[2]
SERVER = (sys.executable, "-I", "-m", "midfill_lsp")
OBSERVED_SERVER = (sys.executable, "-I", str(Path(__file__).with_name("observed_server.py")))
TIMEOUT_S = 30.0  # the model answers in well under a second; a busy machine must not fail a test
POLL_S = 0.02

# Counts answers, and knows of each request for which state of the buffer it was.
WATCH = """
_G.watch = { pending = {}, n_answered = 0, ready = false }
vim.api.nvim_create_autocmd('LspRequest', { callback = function(event)
  local id, request = event.data.request_id, event.data.request
  if request.method ~= 'textDocument/inlineCompletion' then return end
  if request.type == 'pending' then
    watch.pending[id] = vim.api.nvim_buf_get_changedtick(0)
  else
    watch.answered_tick = watch.pending[id]
    watch.pending[id] = nil
    watch.n_answered = watch.n_answered + 1
  end
end })
vim.lsp.handlers['midfill/status'] = function(_, status)
  watch.ready = status.state == 'ready' or status.state == 'busy'
  watch.status = status
end
"""

# Neovim 0.11 knows the method but not what to do with it: the item is drawn at the cursor and put in by Tab.
CLIENT_011 = """
local namespace = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
local capabilities = vim.lsp.protocol.make_client_capabilities()
capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
local shown, newest = nil, 0

local function hide()
  shown = nil
  vim.api.nvim_buf_clear_namespace(0, namespace, 0, -1)
end

local function show(item)
  local lines = vim.tbl_map(function(line) return { { line, 'Comment' } } end, vim.split(item.insertText, '\\n'))
  shown = item
  vim.api.nvim_buf_set_extmark(0, namespace, vim.fn.line('.') - 1, vim.fn.col('.') - 1, {
    virt_text = lines[1], virt_text_pos = 'inline', virt_lines = vim.list_slice(lines, 2),
  })
end

local function ask(client)
  hide()
  newest = newest + 1
  local number = newest
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = 2 }
  client:request('textDocument/inlineCompletion', params, function(error, result)
    if number == newest and result and result.items[1] then show(result.items[1]) end
  end, vim.api.nvim_get_current_buf())  -- for 0, pending changes would be sent after the request
end

vim.lsp.config('midfill', { cmd = { ... }, root_markers = { '.git' }, capabilities = capabilities })
vim.lsp.enable('midfill')
vim.api.nvim_create_autocmd({ 'TextChangedI', 'InsertEnter' }, { callback = function()
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'midfill' })[1]
  if client and client.initialized then ask(client) end
end })
vim.api.nvim_create_autocmd('InsertLeave', { callback = hide })
vim.keymap.set('i', '<Tab>', function()
  local item, client = shown, vim.lsp.get_clients({ bufnr = 0 })[1]
  if not item then return '<Tab>' end
  vim.schedule(function()
    hide()
    local edit = { range = item.range, newText = item.insertText }
    vim.lsp.util.apply_text_edits({ edit }, vim.api.nvim_get_current_buf(), client.offset_encoding)
    local lines, start = vim.split(item.insertText, '\\n'), item.range.start  -- in bytes, as the encoding is utf-8
    vim.api.nvim_win_set_cursor(0, { start.line + #lines, (#lines == 1 and start.character or 0) + #lines[#lines] })
    client:exec_cmd(item.command, { bufnr = 0 })
  end)
end, { expr = true, replace_keycodes = true })
"""


class Neovim:
    """One Neovim with the server as its language server."""

    def __init__(self, program: Path, server: Sequence[str] = SERVER) -> None:
        self.nvim = pynvim.attach("child", argv=[str(program), "--embed", "--headless", "--clean", "-n"])
        self.nvim.vars["loaded_python3_provider"] = 0  # probing for one takes a second
        self.nvim.exec_lua(WATCH)
        self._server = server

    def __enter__(self) -> Neovim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        processes = [self.process, *self.process.children(recursive=True)]
        try:
            self.nvim.command("qall!")
        except (EOFError, OSError):
            pass  # it went before it answered
        finally:
            self.nvim.close()
        _, alive = psutil.wait_procs(processes, timeout=5)
        for process in alive:
            process.kill()
        assert not alive or error, f"processes outlive Neovim: {alive}"

    # Acting

    def open(self, path: Path) -> None:
        """Edit a file, start the server for it and wait until it can complete."""
        self.nvim.command(f"edit {path}")
        # Only now, for Neovim would start another server for the empty buffer it begins with.
        if self.nvim.funcs.has("nvim-0.12"):
            self.nvim.exec_lua(setup_of_the_readme(self._server))
        else:
            self.nvim.exec_lua(CLIENT_011, *self._server)
        self.wait("next(vim.lsp.get_clients({ bufnr = 0, name = 'midfill' })) ~= nil", "the server")
        self.wait("watch.ready", "the model")

    def type(self, keys: str) -> None:
        """Press keys, in Neovim's notation."""
        self.nvim.input(keys)

    def type_and_see_ghost_text(self, keys: str) -> str:
        """Press keys and wait for the answer to the last one; returns the ghost text, which there must be."""
        self.type(keys)
        self.wait_for_answer()
        self.wait("#" + _MARKS + " > 0", "ghost text")
        return self.ghost_text()

    def wait_for_answer(self) -> None:
        """Wait until the newest state of the buffer has been asked about, and everything asked is answered."""
        newest = "watch.answered_tick == vim.api.nvim_buf_get_changedtick(0) and next(watch.pending) == nil"
        self.wait(newest, "an answer to the newest request")

    # Seeing

    @property
    def lines(self) -> list[str]:
        return list(self.nvim.current.buffer[:])

    @property
    def cursor(self) -> tuple[int, int]:
        """Index of the line, and of the character (code point) in it."""
        row, n_bytes = self.nvim.current.window.cursor
        return row - 1, len(self.lines[row - 1].encode()[:n_bytes].decode())

    def ghost_text(self) -> str:
        """What is shown and not there; empty where nothing is. Its place must be the cursor's."""
        marks = self.lua(_MARKS)
        if not marks:
            return ""
        ((_, row, n_bytes, details),) = marks
        assert (row + 1, n_bytes) == tuple(self.nvim.current.window.cursor)
        rows = [details["virt_text"], *details.get("virt_lines", [])]
        return "\n".join("".join(chunk[0] for chunk in row) for row in rows)

    def with_text(self, text: str) -> list[str]:
        """The lines as they will be with `text` at the cursor."""
        row, column = self.cursor
        lines = self.lines
        lines[row : row + 1] = (lines[row][:column] + text + lines[row][column:]).split("\n")
        return lines

    def server_text(self) -> str:
        """The text of the current file as the server has it; of `OBSERVED_SERVER` only."""
        text = self.command("test.text")
        assert isinstance(text, str)
        return text

    def command(self, name: str) -> Any:
        """Run a command of the server's on the current file; returns its result."""
        answer = self.nvim.exec_lua(
            """
            local client = vim.lsp.get_clients({ bufnr = 0, name = 'midfill' })[1]
            local params = { command = ..., arguments = { vim.uri_from_bufnr(0) } }
            return client:request_sync('workspace/executeCommand', params, 5000, 0)
            """,
            name,
        )
        return answer["result"]

    def process_with(self, word: str) -> psutil.Process | None:
        """A process below this Neovim with the word in its command line."""
        processes = psutil.process_iter(["cmdline"])
        below = {child.pid for child in self.process.children(recursive=True)}
        return next((each for each in processes if each.pid in below and word in (each.info["cmdline"] or ())), None)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.nvim.funcs.getpid())

    # Waiting

    def wait(self, condition: str, what: str) -> None:
        """Wait until a Lua expression is true."""
        deadline = time.monotonic() + TIMEOUT_S
        while not self.lua(condition):
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.report()}"
            time.sleep(POLL_S)

    def lua(self, expression: str) -> Any:
        return self.nvim.exec_lua(f"return {expression}")

    def report(self) -> str:
        """What may tell why something did not happen."""
        log = Path(self.lua("vim.lsp.log.get_filename()"))
        said = log.read_text()[-4000:] if log.exists() else "(nothing)"
        state = {"lines": self.lines, "cursor": self.cursor, "watch": self.lua("vim.inspect(watch)")}
        state["explanation"] = self.command("midfill.explain")
        return f"{state}\nthe server said:\n{said}"


_MARKS = (
    "vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('nvim.lsp.inline_completion'), 0, -1, "
    "{ details = true })"
)


def setup_of_the_readme(server: Sequence[str]) -> str:
    """The set-up that users are told, with another command line of the server."""
    readme = (ROOT / "editors/README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Neovim 0\.12\n+((?: {4}.*\n|\n)+)", readme, re.MULTILINE)
    assert found, "editors/README.md has no set-up for Neovim 0.12"
    command = "cmd = { " + ", ".join(f"'{word}'" for word in server) + " }"
    setup, n_commands = re.subn(r"cmd = \{.*?\}", lambda match: command, textwrap.dedent(found[1]))
    assert n_commands == 1
    return setup
