---The subcommands of `:Midfill`.
local server = require('midfill.server')
local status = require('midfill.status')

local M = {}

---@param text string
local function say(text) vim.notify(text, vim.log.levels.INFO) end

---@param told midfill.Status
local function take_and_say(told)
  server.take_status(told)
  say(M.summary())
end

---What a pause is of: `{}` is everywhere.
---@type table<string, fun(): { language?: string, uri?: string }>
local EXTENTS = {
  buffer = function() return { uri = vim.uri_from_bufnr(0) } end,
  filetype = function() return { language = vim.bo.filetype } end,
  everywhere = vim.empty_dict,
}

---@param command 'pause'|'resume'
---@param extent string?
local function set_pause(command, extent)
  local extent_of = EXTENTS[extent or 'everywhere']
  if not extent_of then return say('midfill: buffer, filetype or everywhere?') end
  server.execute(command, { extent_of() }, take_and_say)
end

---@param extent string?
local function is_paused(extent)
  local paused = status.current.paused
  if not paused or not extent then return status.is_paused(vim.api.nvim_get_current_buf()) end
  if extent == 'buffer' then return vim.list_contains(paused.uris, vim.uri_from_bufnr(0)) end
  if extent == 'filetype' then return vim.list_contains(paused.languages, vim.bo.filetype) end
  return paused.everywhere
end

---@param name string
---@param installed fun()?
local function pull(name, installed)
  server.execute('pullModel', { name }, function(pulled)
    if not pulled or pulled == vim.NIL then return end -- declined
    say(('midfill: %s is installed'):format(name))
    if installed then installed() end
  end)
end

---@param name string
local function select_model(name) server.execute('selectModel', { name }, take_and_say) end

---@param model table of the server's list
---@return string
local function described(model)
  local is = model.active and 'active' or model.installed and 'installed' or 'not installed'
  return ('%s (%s, %.1f GB, %s)'):format(model.name, is, model.bytes / 1e9, model.licence)
end

local function choose_model()
  server.execute('models', {}, function(models)
    vim.ui.select(models, { prompt = 'Model:', format_item = described }, function(model)
      if not model then return end
      local function use() select_model(model.name) end
      if model.installed then
        use()
      else
        pull(model.name, use)
      end
    end)
  end)
end

local function explain()
  local why_not = require('midfill.buffers').why_not(vim.api.nvim_get_current_buf())
  if why_not then return say('midfill: nothing is suggested in this buffer: ' .. why_not) end
  server.execute('explain', { vim.uri_from_bufnr(0) }, function(told)
    local figures = told.total_ms > 0 and (' (%.0f ms)'):format(told.total_ms) or ''
    say(('midfill: %s%s'):format(told.why, figures))
  end)
end

---@return string[]
local function model_names()
  return vim.tbl_map(function(model) return model.name end, server.result_of('models') or {})
end

local function extents() return vim.tbl_keys(EXTENTS) end

---@class midfill.Subcommand
---@field run fun(argument: string?)
---@field complete? fun(): string[] what its argument may be

---@type table<string, midfill.Subcommand>
local SUBCOMMANDS = {
  status = { run = function() say(M.summary()) end },
  pause = { run = function(extent) set_pause('pause', extent) end, complete = extents },
  resume = { run = function(extent) set_pause('resume', extent) end, complete = extents },
  toggle = {
    run = function(extent) set_pause(is_paused(extent) and 'resume' or 'pause', extent) end,
    complete = extents,
  },
  model = { run = function(name) (name and select_model or choose_model)(name) end, complete = model_names },
  pull = { run = function(name) (name and pull or choose_model)(name) end, complete = model_names },
  cancel = {
    run = function()
      local progress = require('midfill.progress')
      if not progress.is_running() then return say('midfill: nothing is being downloaded') end
      progress.cancel()
    end,
  },
  restart = { run = function() server.restart() end },
  stats = { run = function() server.execute('stats', {}, require('midfill.stats').show) end },
  explain = { run = explain },
  log = { run = function() vim.cmd.tabedit(vim.fn.fnameescape(require('vim.lsp.log').get_filename())) end },
  health = { run = function() vim.cmd.checkhealth('midfill') end },
}

---What the server is at, in one line.
---@return string
function M.summary()
  local current = status.current
  local said = { 'midfill: ' .. current.state }
  if current.model ~= '' then table.insert(said, current.model) end
  if current.reason and current.reason ~= '' then table.insert(said, current.reason) end
  if current.lastLatencyMs then table.insert(said, ('last suggestion %d ms'):format(current.lastLatencyMs)) end
  if current.state ~= 'paused' and status.is_paused(vim.api.nvim_get_current_buf()) then
    table.insert(said, 'paused here')
  end
  return table.concat(said, ', ')
end

---@param arguments string[]
function M.run(arguments)
  local subcommand = SUBCOMMANDS[arguments[1] or 'status']
  if subcommand then return subcommand.run(arguments[2]) end
  vim.notify(('midfill: no subcommand %s; :help :Midfill lists them'):format(arguments[1]), vim.log.levels.ERROR)
end

---@param word string what is to be completed
---@param line string
---@return string[]
function M.complete(word, line)
  local before = vim.split(line:sub(1, #line - #word), '%s+', { trimempty = true })
  local known = vim.tbl_keys(SUBCOMMANDS)
  if #before == 2 then
    local complete = (SUBCOMMANDS[before[2]] or {}).complete
    known = complete and complete() or {}
  elseif #before > 2 then
    known = {}
  end
  local fitting = vim.iter(known):filter(function(each) return vim.startswith(each, word) end):totable()
  table.sort(fitting)
  return fitting
end

return M
