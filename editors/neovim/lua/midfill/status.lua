---What the server last said of itself, and that in a few words for a statusline.
local M = {}

---@class midfill.Paused
---@field everywhere boolean
---@field languages string[]
---@field uris string[]

---@class midfill.Status
---@field state 'starting'|'stopped'|'loading'|'ready'|'busy'|'error'|'paused'|'disabled'
---@field model string
---@field reason? string
---@field lastLatencyMs? number
---@field paused? midfill.Paused

---@type midfill.Status
local STOPPED = { state = 'stopped', model = '' }

---@type midfill.Status
M.current = STOPPED

---Take what the server sent, and tell whoever draws it; nil when there is no server any more.
---@param status midfill.Status?
function M.take(status)
  M.current = status or STOPPED
  vim.api.nvim_exec_autocmds('User', { pattern = 'MidfillStatus', modeline = false, data = M.current })
end

---Whether suggestions are paused in a buffer.
---@param buf integer
---@return boolean
function M.is_paused(buf)
  local paused = M.current.paused
  if not paused then return false end
  return paused.everywhere
    or vim.list_contains(paused.languages, vim.bo[buf].filetype)
    or (#paused.uris > 0 and vim.list_contains(paused.uris, vim.uri_from_bufnr(buf)))
end

---@return string
function M.text()
  local state = M.current.state
  if state == 'stopped' then return '' end
  if state == 'ready' or state == 'busy' or state == 'paused' then
    return M.is_paused(vim.api.nvim_get_current_buf()) and 'midfill: paused' or 'midfill'
  end
  return 'midfill: ' .. state
end

return M
