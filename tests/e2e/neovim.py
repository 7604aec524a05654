"""Drives a headless Neovim by real keys, and sees what its user would see."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import pynvim

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "editors/neovim"
SERVER = (sys.executable, "-I", "-m", "midfill_lsp")
OBSERVED_SERVER = (sys.executable, "-I", str(Path(__file__).with_name("observed_server.py")))
TIMEOUT_S = 30.0  # the model answers in well under a second; a busy machine must not fail a test
POLL_S = 0.01
# Time for a suggestion on a busy machine, too.
PATIENT = "settings = { decodeBudgetMs = 30000 }"

# Knows of each request for which state of the buffer it was, what the server said of itself and what it was told.
WATCH = """
_G.watch = { pending = {}, told = {} }
vim.api.nvim_create_autocmd('LspRequest', { callback = function(event)
  local id, request = event.data.request_id, event.data.request
  if request.method ~= 'textDocument/inlineCompletion' then return end
  if request.type == 'pending' then
    watch.pending[id] = vim.api.nvim_buf_get_changedtick(0)
  else
    watch.answered_tick = watch.pending[id]
    watch.pending[id] = nil
  end
end })
vim.api.nvim_create_autocmd('LspNotify', { callback = function(event)
  if event.data.method:match('Completion$') then table.insert(watch.told, event.data) end
end })
local function take(status) watch.status, watch.ready = status, status.state == 'ready' or status.state == 'busy' end
vim.api.nvim_create_autocmd('User', { pattern = 'MidfillStatus', callback = function(event) take(event.data) end })
vim.lsp.handlers['midfill/status'] = function(_, status) take(status) end
"""


class Neovim:
    """One Neovim as somebody starts it: with an init.lua and user directories of its own, in a working directory."""

    def __init__(
        self,
        program: Path,
        home: Path,
        init: str,
        arguments: Sequence[str | Path] = (),
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        write_init(home, init)
        (home / "watch.lua").write_text(WATCH)
        changed = user_directories(home) | dict(environment or {})
        before = ["env", "-C", str(folder or home), *(f"{name}={value}" for name, value in changed.items())]
        # Probing for a Python provider takes a second.
        commands = ["--cmd", "let g:loaded_python3_provider=0", "--cmd", f"luafile {home}/watch.lua"]
        argv = [*before, str(program), "--embed", "--headless", "-n", *commands, *map(str, arguments)]
        self.nvim = pynvim.attach("child", argv=argv)

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

    def open(self, path: Path, text: str | None = None) -> None:
        """Edit a file, which gets a text first, and wait until the server can complete there."""
        if text is not None:
            path.write_bytes(text.encode())
        self.nvim.command(f"edit! {path}")
        self.wait_for_server()

    def wait_for_server(self) -> None:
        """Wait until the current buffer's server can complete."""
        attached = "vim.lsp.get_clients({ bufnr = 0, name = 'midfill' })[1]"
        self.wait(f"watch.ready and {attached} ~= nil and {attached}.initialized", "the server")

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

    def leave_insert_mode(self) -> None:
        self.type("<Esc>")
        self.wait("vim.api.nvim_get_mode().mode == 'n'", "normal mode")

    # Seeing

    @property
    def lines(self) -> list[str]:
        return list(self.nvim.current.buffer[:])

    @property
    def cursor(self) -> tuple[int, int]:
        """Index of the line, and of the character (code point) in it."""
        row, n_bytes = self.nvim.current.window.cursor
        return row - 1, len(self.lines[row - 1].encode()[:n_bytes].decode())

    @property
    def messages(self) -> str:
        return str(self.nvim.funcs.execute("messages"))

    def ghost_text(self) -> str:
        """What is shown and not there; empty where nothing is. Its place must be the cursor's."""
        marks = self.lua(_MARKS)
        if not marks:
            return ""
        ((_, row, n_bytes, details),) = marks
        assert (row + 1, n_bytes) == tuple(self.nvim.current.window.cursor)
        rows = [details["virt_text"], *details.get("virt_lines", [])]
        return "\n".join("".join(text for text, colour in row if colour in _COLOURS) for row in rows)

    def screen(self) -> list[str]:
        """The screen's lines, as they would be read, without blanks at their ends and without status line."""
        self.nvim.command("redraw")
        n_lines, n_columns = self.nvim.options["lines"] - 2, self.nvim.options["columns"]
        row = "vim.iter(vim.fn.range(1, {1})):map(function(x) return vim.fn.screenstring({0}, x) end):join('')"
        lines = [self.lua(row.format(y, n_columns)).rstrip() for y in range(1, n_lines + 1)]
        return [line for line in lines if line != "~"]

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
        return self.nvim.exec_lua(
            """
            local params = { command = ..., arguments = { vim.uri_from_bufnr(0) } }
            local _, answer = next(vim.lsp.buf_request_sync(0, 'workspace/executeCommand', params, 5000) or {})
            return answer and answer.result
            """,
            name,
        )

    def told(self, method: str) -> list[dict[str, Any]]:
        """The params of all notifications of one kind that the server got."""
        return [each["params"] for each in self.lua("watch.told") if each["method"] == method]

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
        log = Path(self.lua("require('vim.lsp.log').get_filename()"))
        said = log.read_text()[-4000:] if log.exists() else "(nothing)"
        state = {"lines": self.lines, "cursor": self.cursor, "watch": self.lua("vim.inspect(watch)")}
        state |= {"messages": self.messages, "explanation": self.command("midfill.explain")}
        return f"{state}\nthe server said:\n{said}"


# Of the plugin, or of Neovim's own inline completion.
_MARKS = (
    "(function() local marks = {} for _, name in ipairs({ 'midfill', 'nvim.lsp.inline_completion' }) do "
    "vim.list_extend(marks, vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace(name), 0, -1, "
    "{ details = true })) end return marks end)()"
)
_COLOURS = ("MidfillGhost", "ComplHint")


def user_directories(home: Path) -> dict[str, str]:
    """The environment in which everything of the user's is below `home`."""
    return {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("config", "data", "state", "cache")}


def write_init(home: Path, init: str) -> None:
    """Make a text the init.lua of the user at `home`."""
    path = home / "config/nvim/init.lua"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(init)


def plugin_init(server: Sequence[str] | None = SERVER, options: str = PATIENT, before: str = "") -> str:
    """The init.lua that users are told, with a command line of the server (`None`: to be found) and more options."""
    setup = _of_readme("Neovim")
    assert len(setup.splitlines()) <= 3
    setup = setup.replace("/path/to/midfill", str(ROOT))
    assert str(PLUGIN) in setup
    command = f"cmd = {_lua_list(server)}, " if server else ""
    return before + "\n" + setup.replace("setup{}", f"setup{{ {command}{options} }}")


def builtin_init(server: Sequence[str] = SERVER) -> str:
    """The set-up without the plugin that users are told, with another command line of the server."""
    setup, n_commands = re.subn(
        r"cmd = \{.*?\}", lambda match: f"cmd = {_lua_list(server)}", _of_readme("Neovim 0.12 without the plugin")
    )
    assert n_commands == 1
    return setup


def _of_readme(title: str) -> str:
    """The first block of code of a section in the editors' README."""
    readme = (ROOT / "editors/README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(?:(?!##|    ).*\n)*((?: {{4}}.*\n|\n)+)", readme, re.MULTILINE)
    assert found, f"editors/README.md has no set-up for {title}"
    return textwrap.dedent(found[1]).strip() + "\n"


def _lua_list(words: Sequence[str]) -> str:
    return "{ " + ", ".join(f"'{word}'" for word in words) + " }"
