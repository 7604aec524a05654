---`:checkhealth midfill`
local M = {}

local health = vim.health

---@param command string[]
local function check_program(command)
  health.info('command line: ' .. table.concat(command, ' '))
  if command[2] ~= '-I' then return end
  local version_of = { command[1], '-I', '-c', 'import midfill_lsp; print(midfill_lsp.__version__)' }
  local ran, answer = pcall(function() return vim.system(version_of, { text = true }):wait(10000) end)
  if ran and answer.code == 0 then
    health.ok('midfill ' .. vim.trim(answer.stdout))
  else
    health.error('this Python has no midfill', { 'name another one: require("midfill").setup{ python = ... }' })
  end
end

local function check_server()
  local server, current = require('midfill.server'), require('midfill.status').current
  if server.problem() then
    health.error(server.problem(), { 'repair it, then :Midfill restart', 'the log says more: :Midfill log' })
  elseif not server.client() then
    health.info('the server is not running; it starts with the first file')
  elseif current.state == 'error' then
    health.error(current.reason or 'the model does not run', { 'run `midfill doctor` in a shell' })
  else
    health.ok(require('midfill.commands').summary())
  end
end

local function check_keys()
  for action, lhs in vim.spairs(require('midfill.config').options.keys) do
    local before = lhs and vim.fn.maparg(lhs, 'i', false, true) or {}
    local whose = before.desc or before.rhs or 'a mapping of yours'
    health.info(('%s: %s%s'):format(action, lhs or 'off', next(before) and ('; without ghost text: ' .. whose) or ''))
  end
end

function M.check()
  health.start('midfill')
  if vim.fn.has('nvim-0.10') == 0 then return health.error('needs Neovim 0.10 or newer') end
  if not pcall(vim.api.nvim_get_autocmds, { group = 'midfill' }) then
    return health.error("require('midfill').setup{} was not called")
  end
  local command, problem = require('midfill.command_line').find(require('midfill.config').options)
  if command then
    check_program(command)
  else
    health.error(problem)
  end
  check_server()
  health.start('keys in insert mode')
  check_keys()
end

return M
