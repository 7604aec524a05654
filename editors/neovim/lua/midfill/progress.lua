---Long work of the server's that counts its progress, as downloads do: shown below, and ended when the user wants that.
local M = {}

local running = {} ---@type table<integer|string, true> the tokens

---@param token integer|string
---@param value lsp.WorkDoneProgressBegin|lsp.WorkDoneProgressReport|lsp.WorkDoneProgressEnd
local function tell(token, value)
  if value.kind == 'end' then
    if running[token] then vim.api.nvim_echo({ { value.message or '' } }, false, {}) end
    running[token] = nil
  elseif value.percentage then
    running[token] = true
    local said = ('%s: %d %% %s'):format(value.title, value.percentage, value.message or '')
    vim.api.nvim_echo({ { vim.trim(said) } }, false, {})
  end
end

---Show what a server is at.
---@param client_id integer
function M.show(client_id)
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('midfill.progress', {}),
    callback = function(event)
      local params = event.data.params or event.data.result -- so called in Neovim 0.10
      if event.data.client_id == client_id then tell(params.token, params.value) end
    end,
  })
end

---@return boolean
function M.is_running() return next(running) ~= nil end

---End what is running.
function M.cancel()
  for token in pairs(running) do
    require('midfill.server').notify('window/workDoneProgress/cancel', { token = token })
  end
end

return M
