---What a user can set, with defaults that work. A bad value keeps its default and is named in one message.
local M = {}

---@class midfill.Keys
---@field accept? string|false
---@field accept_word? string|false
---@field accept_line? string|false
---@field next? string|false
---@field previous? string|false
---@field dismiss? string|false

---@class midfill.Options
---@field python? string Python with midfill installed
---@field cmd? string[] command line of the server, in place of `python -I -m midfill_lsp`
---@field disabled_filetypes? string[] filetypes of which the server sees nothing
---@field keys? midfill.Keys|false
---@field settings? table<string, any> the server's settings, as in docs/REFERENCE.md

---@type midfill.Options
local DEFAULTS = {
  python = nil,
  cmd = nil,
  disabled_filetypes = { 'gitcommit', 'gitrebase' },
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
  },
  settings = {},
}

local function is_string(value) return type(value) == 'string' and value ~= '' end

local function is_strings(value)
  if type(value) ~= 'table' or not vim.islist(value) then return false end
  return vim.iter(value):all(is_string)
end

---@type table<string, { [1]: fun(value: any): boolean, [2]: string }>
local CHECKS = {
  python = { is_string, 'the path of a Python' },
  cmd = { function(value) return is_strings(value) and #value > 0 end, 'a list of strings' },
  disabled_filetypes = { is_strings, 'a list of strings' },
  keys = { function(value) return value == false or type(value) == 'table' end, 'a table, or false' },
  settings = { function(value) return type(value) == 'table' end, 'a table' },
}

local function is_key(value) return value == false or is_string(value) end

---@param given table<string, any>
---@param check fun(name: string): { [1]: fun(value: any): boolean, [2]: string }?
---@param prefix string
---@param problems string[]
---@return table<string, any> # what of it is right
local function checked(given, check, prefix, problems)
  local right = {}
  for name, value in vim.spairs(given) do
    local known = check(name)
    if not known then
      table.insert(problems, ('%s%s: no such option'):format(prefix, name))
    elseif not known[1](value) then
      table.insert(problems, ('%s%s: must be %s'):format(prefix, name, known[2]))
    else
      right[name] = value
    end
  end
  return right
end

---The options in force.
---@type midfill.Options
M.options = DEFAULTS

---Take up what the user set, over the defaults.
---@param given? midfill.Options
function M.take(given)
  local problems = {} ---@type string[]
  if given ~= nil and type(given) ~= 'table' then
    given, problems = nil, { 'setup: takes a table' }
  end
  local right = checked(given or {}, function(name) return CHECKS[name] end, '', problems)
  if right.keys == false then
    right.keys = vim.tbl_map(function() return false end, DEFAULTS.keys)
  else
    local function key_check(name) return DEFAULTS.keys[name] and { is_key, "a key such as '<Tab>', or false" } end
    local keys = checked(right.keys or {}, key_check, 'keys.', problems)
    right.keys = vim.tbl_extend('force', DEFAULTS.keys, keys)
  end
  M.options = vim.tbl_extend('force', DEFAULTS, right)
  if #problems > 0 then
    vim.notify('midfill: options ignored: ' .. table.concat(problems, '; '), vim.log.levels.WARN)
  end
end

return M
