---How the server is started: which Python, and what it must not take from where Neovim was started.
local M = {}

local IS_WINDOWS = vim.fn.has('win32') == 1
local PYTHON = IS_WINDOWS and 'Scripts/python.exe' or 'bin/python'

---@param python string
---@return string[]
local function module_of(python)
  return { python, '-I', '-m', 'midfill_lsp' } -- -I: no module of the workspace, nor of PYTHONPATH
end

---The Python of a virtual environment in the checkout that this file is part of.
---@return string?
local function beside_plugin()
  local here = vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2)) or ''
  local root = vim.fn.fnamemodify(here, ':h:h:h:h:h') -- <root>/editors/neovim/lua/midfill/command_line.lua
  local python = vim.fs.joinpath(root, '.venv', PYTHON)
  return vim.fn.executable(python) == 1 and python or nil
end

---The command of a `midfill` on PATH. The Python beside it can be isolated, so that one comes first.
---@return string[]?
local function on_path()
  local program = vim.fn.exepath('midfill')
  if program == '' then return nil end
  local python = vim.fs.joinpath(vim.fs.dirname(vim.uv.fs_realpath(program) or program), vim.fs.basename(PYTHON))
  return vim.fn.executable(python) == 1 and module_of(python) or { program, 'serve' }
end

local NOT_FOUND = 'midfill: the server was not found; run `make setup` in the checkout of midfill, '
  .. 'or name its Python: setup{ python = ... }'

---The command line of the server, or nil and what to tell the user.
---@param options midfill.Options
---@return string[]? command
---@return string? problem
function M.find(options)
  local command = options.cmd or (options.python and module_of(vim.fs.normalize(options.python)))
  if not command then
    local python = beside_plugin()
    command = python and module_of(python) or on_path()
  end
  if not command then return nil, NOT_FOUND end
  local program = vim.fn.exepath(command[1])
  if program == '' then return nil, ('midfill: no program %s, which the options name'):format(command[1]) end
  return { program, unpack(command, 2) }
end

---What to set in the server's environment: PYTHON* of the user's shell is not meant for it.
---@return table<string, string>
function M.environment()
  local cleared = {}
  for name in pairs(vim.fn.environ()) do
    if vim.startswith(name, 'PYTHON') then cleared[name] = '' end -- to Python, empty is unset
  end
  return cleared
end

return M
