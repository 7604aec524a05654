---Where the cursor stands and what is around it, to tell later whether anything but typing has changed there.
local M = {}

---@class midfill.Place
---@field buf integer
---@field tick integer of the buffer's changes
---@field row integer from 0
---@field col integer in bytes
---@field head string the line before it
---@field tail string the line behind it
---@field n_below integer lines below it

---The cursor's place.
---@return midfill.Place
function M.here()
  local buf, cursor = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)
  local line = vim.api.nvim_get_current_line()
  return {
    buf = buf,
    tick = vim.api.nvim_buf_get_changedtick(buf),
    row = cursor[1] - 1,
    col = cursor[2],
    head = line:sub(1, cursor[2]),
    tail = line:sub(cursor[2] + 1),
    n_below = vim.api.nvim_buf_line_count(buf) - cursor[1],
  }
end

---Whether nothing at all happened between two places.
---@param one midfill.Place
---@param other midfill.Place
---@return boolean
function M.is_same(one, other)
  return one.buf == other.buf and one.tick == other.tick and one.row == other.row and one.col == other.col
end

---What was typed between two places, or nil where more than that has changed.
---@param from midfill.Place
---@param to midfill.Place the cursor's place now
---@return string?
function M.typed_between(from, to)
  if from.buf ~= to.buf or from.n_below ~= to.n_below or from.tail ~= to.tail or from.row > to.row then return nil end
  local before = table.concat(vim.api.nvim_buf_get_text(to.buf, from.row, 0, to.row, to.col, {}), '\n')
  return vim.startswith(before, from.head) and before:sub(#from.head + 1) or nil
end

return M
