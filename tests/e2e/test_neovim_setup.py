"""The plugin as a new user meets it: installed, found, explained, and harmless in a workspace that is not."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pynvim.api.common import NvimError

from e2e.neovim import PLUGIN, Neovim, plugin_init, user_directories, write_init
from midfill_model.files import store
from pulling import write_content
from stand_in_hub import StandInHub, serving

pytestmark = pytest.mark.e2e

Start = Callable[..., Neovim]

TEXT = "def add(a, b):\n    return a + b\n\n\ndef multiply(a, b):\n"
MAX_STARTUP_MS = 2.0

# Whoever runs any of these has run code of the workspace.
CANARY = "open({canary!r}, 'a').write({name!r})\n"
SHELL_CANARY = "#!/bin/sh\necho {name} >> {canary}\n"
LUA_CANARY = "vim.fn.writefile({{ '{name}' }}, '{canary}', 'a')\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "a.py"
    (path.parent / ".git").mkdir(parents=True)
    path.write_text(TEXT)
    return path


def installed_on_path() -> dict[str, str]:
    """The environment of somebody who can run `midfill`, also where the tests run in no `.venv` of the checkout."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def test_set_up_of_the_readme(neovim: Start, program: Path, file: Path) -> None:
    editor = neovim(program, plugin_init(server=None), file, environment=installed_on_path())
    editor.wait_for_server()
    ghost = editor.type_and_see_ghost_text("Goreturn")
    expected = editor.with_text(ghost)
    editor.type("<Tab>")
    editor.wait_for_answer()
    assert editor.lines == expected
    assert not editor.messages.strip()


def test_as_a_package(neovim: Start, nvim_011: Path, file: Path, tmp_path: Path) -> None:
    package = tmp_path / "site/pack/midfill/start/midfill"
    package.parent.mkdir(parents=True)
    package.symlink_to(PLUGIN)
    init = f"vim.opt.packpath:prepend('{tmp_path}/site')\nvim.cmd.packloadall()\nrequire('midfill').setup{{}}"
    editor = neovim(nvim_011, init, file, environment=installed_on_path())
    editor.wait_for_server()
    assert editor.type_and_see_ghost_text("Goreturn").strip()
    editor.leave_insert_mode()
    editor.nvim.command("help midfill")
    assert Path(editor.nvim.current.buffer.name).name == "midfill.txt"
    editor.nvim.command("checkhealth midfill")
    report = "\n".join(editor.lines)
    assert "OK midfill: ready, smollm2-135m" in report
    assert "ERROR" not in report


def test_tags_of_the_manual_are_up_to_date(nvim_012: Path, tmp_path: Path) -> None:
    """Nobody makes them where the plugin is put on the runtime path by hand."""
    shutil.copy(PLUGIN / "doc/midfill.txt", tmp_path)
    subprocess.run([nvim_012, "--clean", "--headless", f"+helptags {tmp_path}", "+qall!"], check=True, timeout=20)
    assert (PLUGIN / "doc/tags").read_text() == (tmp_path / "tags").read_text(), "run :helptags editors/neovim/doc"


def test_lua_is_clean(luacheck: Path) -> None:
    checked = subprocess.run([luacheck, "-q", "."], cwd=PLUGIN, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_server_that_is_not_there(neovim: Start, program: Path, file: Path) -> None:
    editor = neovim(program, plugin_init(["/nowhere/python", "-I"]), file)
    editor.wait("require('midfill').status() == 'midfill: error'", "the state")
    editor.nvim.command(f"split {file.with_name('b.py')}")
    assert editor.messages.count("no program /nowhere/python") == 1, "once, and not for every file"
    editor.nvim.command("checkhealth midfill")
    assert "ERROR midfill: no program /nowhere/python" in "\n".join(editor.lines)


def test_program_that_is_no_server(neovim: Start, program: Path, file: Path) -> None:
    editor = neovim(program, plugin_init([sys.executable, "-I", "-c", "raise SystemExit(3)"]), file)
    editor.wait("require('midfill').status() == 'midfill: error'", "the state")
    assert editor.messages.count("midfill: the server does not start") == 1


def test_killed_server_comes_back(neovim: Start, program: Path, file: Path) -> None:
    editor = neovim(program, plugin_init(), file)
    editor.wait_for_server()
    editor.type_and_see_ghost_text("Goreturn")
    server = editor.process_with("midfill_lsp")
    assert server is not None
    server.kill()
    editor.wait("require('midfill').status() == ''", "the end of the server")
    assert editor.ghost_text() == ""
    editor.wait("require('midfill').status() == 'midfill'", "another server")
    assert editor.type_and_see_ghost_text("").strip(), "without a key, because nothing has changed"
    again = editor.process_with("midfill_lsp")
    assert again is not None
    assert again.pid != server.pid


# Answers `initialize`, says that it is ready, and is gone.
SHORT_LIVED = """
import json, sys

def say(message):
    body = json.dumps({"jsonrpc": "2.0"} | message)
    sys.stdout.write(f"Content-Length: {len(body)}\\r\\n\\r\\n{body}")

n_bytes = int(sys.stdin.buffer.readline().split()[1])
sys.stdin.buffer.read(2 + n_bytes)
say({"id": 1, "result": {"capabilities": {}}})
say({"method": "midfill/status", "params": {"state": "ready", "model": "none"}})
sys.exit(1)
"""


def test_server_that_keeps_ending_is_given_up(neovim: Start, nvim_011: Path, file: Path, tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(SHORT_LIVED)
    editor = neovim(nvim_011, plugin_init([sys.executable, "-I", str(server)]), file)
    editor.wait("require('midfill').status() == 'midfill: error'", "the plugin to give up")
    assert editor.messages.count("the server keeps ending") == 1


def test_bad_settings_and_options_are_named(neovim: Start, nvim_012: Path, file: Path) -> None:
    options = "settings = { maxTokens = 'many', decodeBudgetMs = 30000 }, keys = { acept = '<C-l>' }, colour = 1"
    editor = neovim(nvim_012, plugin_init(options=options), file)
    assert "options ignored: colour: no such option; keys.acept: no such option" in editor.messages
    editor.wait_for_server()
    editor.wait("vim.fn.execute('messages'):match('maxTokens') ~= nil", "the server's message")
    assert editor.messages.count("maxTokens") == 1
    assert editor.type_and_see_ghost_text("Goreturn").strip()


BUFFERS = {
    "no file": ("enew | setlocal buftype=nofile", "it is no file"),
    "not modifiable": ("noautocmd edit a.py | setlocal nomodifiable", "it cannot be changed"),
    "no name": ("enew", "it has no name"),
    "large": ("noautocmd edit b.py | call setline(1, repeat([repeat('x', 1023)], 1100))", "larger than a megabyte"),
    "filetype": ("edit .git/COMMIT_EDITMSG", "its filetype, gitcommit"),
    "kept out": (
        "noautocmd edit c.py | execute 'autocmd FileType * ++once let b:midfill = v:false'",
        "b:midfill is false",
    ),
}


def test_buffers_without_suggestions(neovim: Start, nvim_011: Path, file: Path) -> None:
    editor = neovim(nvim_011, plugin_init(), folder=file.parent)
    for name, (commands, why) in BUFFERS.items():
        editor.nvim.command(f"{commands} | doautocmd FileType")
        editor.nvim.command("startinsert")
        editor.wait("vim.api.nvim_get_mode().mode == 'i'", "insert mode")
        assert editor.lua("#vim.lsp.get_clients()") == 0, name
        editor.leave_insert_mode()
        editor.nvim.command("Midfill explain")
        assert why in editor.messages
    assert editor.process_with("midfill_lsp") is None


def test_command(neovim: Start, nvim_012: Path, file: Path) -> None:
    editor = neovim(nvim_012, plugin_init(), file)
    editor.wait_for_server()

    def completed(line: str) -> list[str]:
        return list(editor.nvim.funcs.getcompletion(line, "cmdline"))

    subcommands = completed("Midfill ")
    manual = (PLUGIN / "doc/midfill.txt").read_text()
    assert all(re.search(rf"^:Midfill \[?{name}", manual, re.MULTILINE) for name in subcommands)
    assert completed("Midfill pause f") == ["filetype"]
    assert "smollm2-135m" in completed("Midfill model ")
    assert completed("Midfill pause buffer ") == []
    editor.nvim.command("Midfill")
    assert "midfill: ready, smollm2-135m" in editor.messages
    editor.type_and_see_ghost_text("Goreturn")
    editor.leave_insert_mode()
    editor.nvim.command("Midfill explain")
    editor.wait("vim.fn.execute('messages'):match('midfill: [%w ]+ %(%d+ ms%)') ~= nil", "the explanation")
    editor.nvim.command("Midfill stats")
    editor.wait("#vim.api.nvim_list_wins() == 2", "the window of the statistics")
    assert editor.lines[0].split()[:3] == ["week", "language", "model"]
    editor.type("q")
    client = "(vim.lsp.get_clients({ name = 'midfill' })[1] or { id = 1 }).id"
    assert editor.lua(client) == 1
    editor.nvim.exec_lua("vim.lsp.get_client_by_id(1):stop()")
    editor.wait("require('midfill').status() == ''", "the end of the server, which nobody wants back")
    editor.type("a<Esc>")
    editor.nvim.command("Midfill explain")
    assert "the server was stopped; :Midfill restart" in editor.messages
    editor.nvim.command("Midfill restart")
    editor.wait(f"{client} == 2 and require('midfill').status() == 'midfill'", "another server")
    with pytest.raises(NvimError, match="no subcommand nonsense"):
        editor.nvim.command("Midfill nonsense")


def test_nothing_is_shown_twice(neovim: Start, nvim_012: Path, file: Path) -> None:
    """Also where somebody has enabled Neovim's own inline completion for all servers."""
    editor = neovim(nvim_012, plugin_init(before="vim.lsp.inline_completion.enable(true)"), file)
    editor.wait_for_server()
    assert editor.type_and_see_ghost_text("Goreturn").strip()
    ours = "{ client_id = vim.lsp.get_clients({ name = 'midfill' })[1].id }"
    assert not editor.lua(f"vim.lsp.inline_completion.is_enabled({ours})")
    assert editor.lua("next(require('vim.lsp._capability').all.inline_completion.active)") is None


def test_choosing_a_model(neovim: Start, nvim_012: Path, file: Path) -> None:
    """By `:Midfill model` and the editor's own way to choose, and by name; one that cannot be had is an error."""
    editor = neovim(nvim_012, plugin_init(), file)
    editor.wait_for_server()
    editor.nvim.exec_lua(
        """
        vim.ui.select = function(models, how, on_choice)
          _G.asked = vim.tbl_map(how.format_item, models)
          on_choice(models[1])
        end
        """
    )
    editor.nvim.command("Midfill model")
    editor.wait("_G.asked ~= nil", "the question")
    assert any(line.startswith("smollm2-135m (active, 0.1 GB, Apache-2.0") for line in editor.lua("asked"))
    editor.nvim.command("Midfill model nonsense")
    editor.wait("vim.fn.execute('messages'):match('nonsense') ~= nil", "the error")


MIB = 2**20
DOWNLOADS = {
    "yes": ("1", None, "", "midfill: aixcoder-7b is installed"),
    "no": ("2", None, "", ""),
    "yes, and cancelled": ("1", 12 * MIB, "Midfill cancel", "the download of aixcoder-7b was cancelled"),
}


@pytest.mark.parametrize(("answer", "stall_after", "command", "said"), DOWNLOADS.values(), ids=DOWNLOADS)
def test_downloading_a_model(
    neovim: Start,
    nvim_012: Path,
    file: Path,
    tmp_path: Path,
    smollm2: Path,
    answer: str,
    stall_after: int | None,
    command: str,
    said: str,
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / smollm2.name).symlink_to(smollm2)
    hub = StandInHub("bartowski/aixcoder-7b-base-GGUF", "aixcoder-7b-base-Q4_K_M.gguf", write_content(tmp_path))
    hub.stall_after = stall_after
    with serving(hub):
        environment = {"HF_ENDPOINT": hub.endpoint, store.MODELS_DIR_VARIABLE: str(models)}
        editor = neovim(nvim_012, plugin_init(), file, environment=environment)
        editor.wait_for_server()
        editor.nvim.exec_lua(NOTE_QUESTION)
        editor.nvim.command("Midfill pull aixcoder-7b")
        editor.wait("_G.question ~= nil", "the question")
        assert re.search(r"4\.84 GB .* Non-commercial research only", editor.lua("question"))
        editor.type(f"{answer}<CR>")
        if command:
            editor.wait("require('midfill.progress').is_running()", "the download")
            editor.nvim.command(command)
        editor.wait(f"vim.fn.execute('messages'):find('{said}', 1, true) ~= nil", "the end of the download")
        editor.command("midfill.explain")  # which is answered after a refusal has been taken up
    assert (models / "aixcoder-7b.gguf").exists() == ("installed" in said)


NOTE_QUESTION = """
local select = vim.ui.select
vim.ui.select = function(buttons, how, on_choice)
  _G.question = how.prompt
  select(buttons, how, on_choice)
end
"""


def test_poisoned_workspace_runs_no_code(neovim: Start, program: Path, file: Path, tmp_path: Path) -> None:
    canary, folder = tmp_path / "canary", file.parent
    python = ["dataclasses.py", "midfill_lsp/__init__.py", "midfill_lsp/__main__.py", "midfill_model/__init__.py"]
    shell = ["python", "python3", ".venv/bin/python", ".venv/bin/midfill"]
    lua = [
        ".nvim.lua",
        ".nvimrc.lua",
        "lua/midfill/init.lua",
        "midfill.lua",
        "midfill/config.lua",
        "plugin/midfill.lua",
    ]
    for names, template in ((python, CANARY), (shell, SHELL_CANARY), (lua, LUA_CANARY)):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(template.format(canary=str(canary), name=name))
            path.chmod(0o755)
    (folder / "sitecustomize.py").write_text(CANARY.format(canary=str(canary), name="sitecustomize.py"))
    settings = f'{{"midfill.pythonPath": "{folder}/python", "midfill": {{"cmd": ["{folder}/midfill"]}}}}'
    for name in (".vscode/settings.json", ".neoconf.json", "midfill.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(settings)

    environment = installed_on_path() | {"PYTHONPATH": ".", "PYTHONSTARTUP": "dataclasses.py"}
    editor = neovim(program, plugin_init(server=None), file.name, folder=folder, environment=environment)
    editor.wait_for_server()
    assert editor.type_and_see_ghost_text("Goreturn").strip()
    assert not canary.exists(), canary.read_text()


def test_start_up_costs_next_to_nothing(
    program: Path, file: Path, tmp_path: Path, smollm2: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `--startuptime` says of everything that is midfill's: init.lua with the set-up, and the plugin's files."""
    write_init(tmp_path, plugin_init())
    environment = os.environ | user_directories(tmp_path)
    costs = [_startup_ms(program, file, tmp_path / f"log{n}", environment) for n in range(9)]
    with capsys.disabled():
        print(f"\nNeovim: the plugin takes {statistics.median(costs):.2f} ms of start-up ({min(costs):.2f} at best)")
    assert min(costs) < MAX_STARTUP_MS


def _startup_ms(program: Path, file: Path, log: Path, environment: dict[str, str]) -> float:
    options = ["--headless", "-n", "--cmd", "let g:loaded_python3_provider=0", "--startuptime", str(log)]
    command = [str(program), *options, str(file), "+qall!"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=20)
    # clock, self and sourced, self: what; `sourced` holds what was sourced and required from there
    rows = re.findall(r"^\S+ +(\S+) +(\S+): (.*)$", log.read_text(), re.MULTILINE)
    own = [
        float(total) for total, _, what in rows if re.search(r"sourcing .*(nvim/init\.lua|plugin/midfill\.lua)", what)
    ]
    assert len(own) == 2
    return sum(own)
