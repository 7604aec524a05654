---What became of suggestions, by week, language and model, as a table in a window of its own.
local M = {}

local HEAD = { 'week', 'language', 'model', 'shown', 'accepted', 'characters', 'kept for 5 min', 'wait p50/p95' }

local function percent(share) return share and share ~= vim.NIL and ('%.0f %%'):format(100 * share) or '-' end

---@param row table of the server's statistics
---@return string[]
local function cells(row)
  local has_waits = row.wait_p50_ms and row.wait_p50_ms ~= vim.NIL
  return {
    row.week,
    row.language,
    row.model,
    tostring(row.n_shown),
    tostring(row.n_accepted),
    tostring(row.accepted_characters),
    percent(row.kept_300s),
    has_waits and ('%d/%d ms'):format(row.wait_p50_ms, row.wait_p95_ms) or '-',
  }
end

---@param rows string[][]
---@return string[]
local function aligned(rows)
  local widths = {} ---@type integer[]
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, vim.fn.strdisplaywidth(cell))
    end
  end
  return vim.tbl_map(function(row)
    local line = ''
    for i, cell in ipairs(row) do
      line = line .. cell .. (' '):rep(widths[i] - vim.fn.strdisplaywidth(cell) + 2)
    end
    return vim.trim(line)
  end, rows)
end

---@param rows table[] as the server has them
function M.show(rows)
  local lines = { 'nothing is counted yet' }
  if #rows > 0 then lines = aligned({ HEAD, unpack(vim.tbl_map(cells, rows)) }) end
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  vim.api.nvim_open_win(buf, true, { split = 'below', height = math.min(#lines + 1, 15), style = 'minimal' })
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, desc = 'close' })
end

return M
