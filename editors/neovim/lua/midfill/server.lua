---The language server: one for all buffers, started with the first of them and again when it ends by itself.
local config = require('midfill.config')
local status = require('midfill.status')

local M = {}

local NAME = 'midfill'
local FIRST_WAIT_MS = 250 -- doubles with every end within MEMORY_MS
local MEMORY_MS = 60 * 1000
local MAX_ENDS = 4 -- within MEMORY_MS
local WAIT_MS = 1000 -- for what somebody waits at the command line
local PATIENCE_MS = 2000 -- for a server that was told to stop
local SIGTERM = 15
local NOT_RUNNING = 'midfill: the server is not running; it starts with the first file'
local STOPPED = 'midfill: the server was stopped; :Midfill restart starts it again'

local IS_BEFORE_011 = vim.fn.has('nvim-0.11') == 0

local client_id ---@type integer?
local ends = {} ---@type integer[] when it ended by itself lately, in ms
local problem ---@type string? why it is not started any more
local stopping ---@type integer? the client that is being stopped on purpose

---A client's functions became methods in Neovim 0.11.
---@param client vim.lsp.Client
---@param name string
local function call(client, name, ...)
  if IS_BEFORE_011 then return client[name](...) end
  return client[name](client, ...)
end

---@return vim.lsp.Client?
function M.client()
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  return client and not call(client, 'is_stopped') and client or nil
end

---Whether the server has a buffer and can be asked about it.
---@param buf integer
---@return boolean
function M.has(buf)
  local client = M.client()
  return client ~= nil and client.initialized and client.attached_buffers[buf] ~= nil
end

---Why there is no server, or nil.
---@return string?
function M.problem() return problem end

---@param reason string
local function give_up(reason)
  problem = reason
  status.take({ state = 'error', model = '', reason = reason })
  vim.notify(reason, vim.log.levels.ERROR)
end

---It ended: start it again soon, unless somebody stopped it or that happens too often.
---@param id integer
---@param was_stopped boolean
local function ended(id, was_stopped)
  if vim.v.exiting ~= vim.NIL then return end
  local was_running = status.current.state ~= 'starting'
  status.take(nil)
  require('midfill.suggesting').dismiss()
  if stopping == id then
    stopping = nil
    return require('midfill.buffers').take_all()
  elseif was_stopped then
    problem = STOPPED
    return
  end
  if not was_running then return give_up('midfill: the server does not start; see :Midfill log and :Midfill health') end
  local now = vim.uv.now()
  ends = vim.iter(ends):filter(function(at) return now - at < MEMORY_MS end):totable()
  table.insert(ends, now)
  if #ends > MAX_ENDS then
    return give_up('midfill: the server keeps ending; see :Midfill log, then :Midfill restart')
  end
  vim.defer_fn(require('midfill.buffers').take_all, FIRST_WAIT_MS * 2 ^ (#ends - 1))
end

---Take up what the server says of itself; what it answered before may not hold any more.
---@param told midfill.Status
function M.take_status(told)
  local before = status.current
  status.take(told)
  local is_new = told.state ~= before.state and told.state ~= 'busy' and before.state ~= 'busy'
  if is_new or not vim.deep_equal(told.paused, before.paused) then require('midfill.suggesting').ask_again() end
end

---@param buf integer
---@return string?
local function folder_of(buf) return vim.fs.root(buf, { '.git' }) end

---Tell the server of a folder that it does not know yet.
---@param client vim.lsp.Client
---@param folder string?
local function add_folder(client, folder)
  local known = client.workspace_folders or {}
  if not folder or vim.iter(known):any(function(each) return each.name == folder end) then return end
  local added = { uri = vim.uri_from_fname(folder), name = folder }
  client.workspace_folders = vim.list_extend({ added }, known)
  call(client, 'notify', 'workspace/didChangeWorkspaceFolders', { event = { added = { added }, removed = {} } })
end

---@param command string[]
---@param folder string?
---@return vim.lsp.ClientConfig
local function client_config(command, folder)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  -- Of the three encodings this is Neovim's own: positions need no conversion.
  capabilities.general.positionEncodings = { 'utf-8' }
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  local settings = vim.tbl_isempty(config.options.settings) and vim.empty_dict() or config.options.settings
  return {
    name = NAME,
    cmd = command,
    cmd_cwd = vim.fs.dirname(command[1]), -- not the workspace
    cmd_env = require('midfill.command_line').environment(),
    capabilities = capabilities,
    init_options = settings,
    settings = { midfill = settings },
    root_dir = folder,
    handlers = {
      ['midfill/status'] = function(_, told) M.take_status(told) end,
    },
    on_init = function(client) require('midfill.progress').show(client.id) end,
    on_attach = function(client, buf)
      add_folder(client, folder_of(buf))
      require('midfill.suggesting').watch(buf)
      require('midfill.keys').map(buf)
    end,
    on_exit = function(code, signal, id)
      vim.schedule(function() ended(id, code == 0 and signal == 0 or signal == SIGTERM) end)
    end,
  }
end

---Neovim's own display would show every suggestion a second time, where somebody enabled it for all servers.
---@param id integer
local function keep_for_us(id)
  if vim.lsp.inline_completion then vim.lsp.inline_completion.enable(false, { client_id = id }) end
end

---Give the server a buffer.
---@param buf integer
function M.attach(buf)
  if problem or M.has(buf) then return end
  local client = M.client()
  if client then
    vim.lsp.buf_attach_client(buf, client.id)
    return
  end
  local command, not_found = require('midfill.command_line').find(config.options)
  if not command then return give_up(assert(not_found)) end
  status.take({ state = 'starting', model = '' })
  local function never() return false end
  local start = client_config(command, folder_of(buf))
  client_id = vim.lsp.start(start, { bufnr = buf, silent = true, reuse_client = never })
  if not client_id then return give_up(('midfill: %s cannot be started; see :Midfill log'):format(command[1])) end
  keep_for_us(client_id)
end

---Start the server anew, also where it was given up.
function M.restart()
  problem, ends = nil, {}
  local client = M.client()
  if not client then return require('midfill.buffers').take_all() end
  stopping = client.id
  call(client, 'stop')
  vim.defer_fn(function()
    if stopping == client.id then call(client, 'stop', true) end
  end, PATIENCE_MS)
end

---Notify the server, where there is one.
---@param method string
---@param params table
function M.notify(method, params)
  local client = M.client()
  if client then call(client, 'notify', method, params) end
end

---Ask the server; changes of the buffer are sent first.
---@param method string
---@param params table
---@param buf integer
---@param answered fun(result: any?)
---@return integer? id to cancel it by
function M.request(method, params, buf, answered)
  local client = M.client()
  if not client then return nil end
  local _, id = call(client, 'request', method, params, function(_, result) answered(result) end, buf)
  return id
end

---@param id integer
function M.cancel(id)
  local client = M.client()
  if client then call(client, 'cancel_request', id) end
end

---Have the server run a command; a problem is shown to the user.
---@param command string without its `midfill.`
---@param arguments any[]
---@param done? fun(result: any)
function M.execute(command, arguments, done)
  local client = M.client()
  if not client then return vim.notify(problem or NOT_RUNNING, vim.log.levels.WARN) end
  local params = { command = 'midfill.' .. command, arguments = arguments }
  call(client, 'request', 'workspace/executeCommand', params, function(failure, result)
    if failure then
      vim.notify('midfill: ' .. failure.message, vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end)
end

---The same, waiting for the result; nil where there is none soon.
---@param command string
---@return any
function M.result_of(command)
  local client = M.client()
  if not client then return nil end
  local params = { command = 'midfill.' .. command, arguments = {} }
  local answer = call(client, 'request_sync', 'workspace/executeCommand', params, WAIT_MS)
  return answer and answer.result
end

return M
