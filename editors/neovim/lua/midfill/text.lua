---Pieces of suggestions, as plain strings: nothing here knows of buffers.
local M = {}

local WORD = '[%w_\128-\255]'
local SIGN = '[^%w_%s\128-\255]'

---The first word of a text with the blanks before it; a run of signs counts as one.
---@param text string
---@return string
function M.first_word(text) return text:match('^%s*' .. WORD .. '+') or text:match('^%s*' .. SIGN .. '+') or text end

---The first line of a text, without the line break after it; one before it is taken along.
---@param text string
---@return string
function M.first_line(text) return text:match('^\n?[^\n]*') end

---@param text string in UTF-8
---@return integer # how long LSP takes it for
function M.n_utf16(text)
  local _, n_characters = text:gsub('[^\128-\191]', '')
  local _, n_pairs = text:gsub('[\240-\247]', '')
  return n_characters + n_pairs
end

---The text with each tab as the blanks it would be drawn as.
---@param text string of one line
---@param column integer where it begins on the screen, from 0
---@param n_tab integer
---@return string
function M.without_tabs(text, column, n_tab)
  local drawn = ''
  for before, tab in text:gmatch('([^\t]*)(\t?)') do
    drawn = drawn .. before
    if tab ~= '' then drawn = drawn .. (' '):rep(n_tab - (column + vim.fn.strdisplaywidth(drawn, column)) % n_tab) end
  end
  return drawn
end

return M
