---Which buffers the server is told of: files that somebody edits, and not too large ones.
local M = {}

local MAX_BYTES = 1024 * 1024 -- what is larger was hardly typed, and would be sent and parsed whole

---Why a buffer gets no suggestions, or nil where it does.
---@param buf integer
---@return string?
function M.why_not(buf)
  local options = vim.bo[buf]
  if options.buftype ~= '' then return ('it is no file (buftype %s)'):format(options.buftype) end
  if not options.modifiable then return 'it cannot be changed (modifiable is off)' end
  local name = vim.api.nvim_buf_get_name(buf)
  if name == '' then return 'it has no name yet' end
  if name:match('^%a[%w+.-]+://') then return 'it is no file on this machine' end
  if vim.list_contains(require('midfill.config').options.disabled_filetypes, options.filetype) then
    return ('its filetype, %s, is among disabled_filetypes'):format(options.filetype)
  end
  if vim.b[buf].midfill == false then return 'b:midfill is false' end
  local n_bytes = vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf))
  if n_bytes > MAX_BYTES then return 'it is larger than a megabyte' end
end

---Give a buffer to the server if it is one of those, starting the server for the first.
---@param buf integer
function M.take(buf)
  if vim.api.nvim_buf_is_loaded(buf) and not M.why_not(buf) then require('midfill.server').attach(buf) end
end

---Give all listed buffers to the server.
function M.take_all()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[buf].buflisted then M.take(buf) end
  end
end

return M
