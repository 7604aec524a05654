---Draws a suggestion as ghost text: in the cursor's line and below it, as the file will look with it.
local text = require('midfill.text')

local M = {}

local namespace = vim.api.nvim_create_namespace('midfill')

---The editor's own colours for this: Neovim 0.12 has groups for it.
local function link_colours()
  local has_own = vim.fn.hlexists('ComplHint') == 1
  vim.api.nvim_set_hl(0, 'MidfillGhost', { link = has_own and 'ComplHint' or 'NonText', default = true })
  vim.api.nvim_set_hl(0, 'MidfillHint', { link = has_own and 'ComplHintMore' or 'MoreMsg', default = true })
end

link_colours()
vim.api.nvim_create_autocmd('ColorScheme', {
  group = vim.api.nvim_create_augroup('midfill.ghost', {}),
  callback = link_colours,
})

---@class midfill.Ghost
---@field buf integer
---@field row integer from 0
---@field col integer where it begins, in bytes
---@field text string
---@field n_replaced integer bytes behind the cursor that the text takes the place of
---@field hint? string what to say of it, such as (2/3)

---@param ghost midfill.Ghost
---@param rest string the line from the cursor on
---@return midfill.Ghost # the same without what stands in the line already
local function without_known_end(ghost, rest)
  local replaced = rest:sub(1, ghost.n_replaced)
  if replaced == '' or not vim.endswith(ghost.text, replaced) then return ghost end
  return vim.tbl_extend('force', ghost, { text = ghost.text:sub(1, -#replaced - 1), n_replaced = 0 })
end

---@param lines string[]
---@param column integer where the first one begins on the screen
---@param n_tab integer
---@return { [1]: string, [2]: string }[][] # as virtual lines
local function chunks(lines, column, n_tab)
  local drawn = {}
  for i, line in ipairs(lines) do
    drawn[i] = { { text.without_tabs(line, i == 1 and column or 0, n_tab), 'MidfillGhost' } }
  end
  return drawn
end

---Draw over what stands behind the cursor, too; what stays of it is drawn behind the text.
---@param drawn { [1]: string, [2]: string }[][]
---@param rest string the line from the cursor on
---@param kept string the end of it
local function cover(drawn, rest, kept)
  table.insert(drawn[#drawn], { kept, '' })
  local width = 0
  for _, chunk in ipairs(drawn[1]) do
    width = width + vim.fn.strdisplaywidth(chunk[1])
  end
  table.insert(drawn[1], { (' '):rep(vim.fn.strdisplaywidth(rest) - width), '' })
end

---Show a suggestion in place of what was shown before.
---@param ghost midfill.Ghost
function M.draw(ghost)
  M.clear(ghost.buf)
  local line = vim.api.nvim_buf_get_lines(ghost.buf, ghost.row, ghost.row + 1, true)[1]
  local rest = line:sub(ghost.col + 1)
  ghost = without_known_end(ghost, rest)
  local column = vim.fn.strdisplaywidth(line:sub(1, ghost.col))
  local lines = vim.split(ghost.text, '\n', { plain = true })
  local drawn = chunks(lines, column, vim.bo[ghost.buf].tabstop)
  local is_inline = ghost.n_replaced == 0 and (#lines == 1 or rest == '')
  if not is_inline then cover(drawn, rest, rest:sub(ghost.n_replaced + 1)) end
  if ghost.hint then table.insert(drawn[#drawn], { ' ' .. ghost.hint, 'MidfillHint' }) end
  vim.api.nvim_buf_set_extmark(ghost.buf, namespace, ghost.row, ghost.col, {
    virt_text = drawn[1],
    virt_text_pos = is_inline and 'inline' or 'overlay',
    virt_lines = #drawn > 1 and vim.list_slice(drawn, 2) or nil,
  })
end

---@param buf integer
function M.clear(buf)
  if vim.api.nvim_buf_is_valid(buf) then vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1) end
end

return M
