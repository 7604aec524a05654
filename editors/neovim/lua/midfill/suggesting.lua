---The suggestion on the screen: asked for while somebody types, shown as long as it fits, accepted whole or in part.
local ghost = require('midfill.ghost')
local places = require('midfill.places')
local server = require('midfill.server')
local status = require('midfill.status')
local text = require('midfill.text')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2

---@class midfill.Shown
---@field place midfill.Place
---@field items lsp.InlineCompletionItem[]
---@field index integer
---@field is_chosen boolean the user went through them to this one

local shown ---@type midfill.Shown?
local asked ---@type { id: integer? }? the newest request, until it is answered
local told ---@type lsp.InlineCompletionItem? what the server was told is shown

---What is left of the suggestion shown at a place, or nil where it does not fit there.
---@param place midfill.Place
---@return string?
local function rest_at(place)
  local typed = shown and places.typed_between(shown.place, place)
  if not shown or not typed then return nil end
  local suggested = shown.items[shown.index].insertText --[[@as string]]
  if #typed >= #suggested or not vim.startswith(suggested, typed) then return nil end
  return suggested:sub(#typed + 1)
end

---@return boolean
local function is_typing() return vim.api.nvim_get_mode().mode == 'i' and vim.fn.pumvisible() == 0 end

---@param item lsp.InlineCompletionItem
---@return integer # bytes behind the place asked for
local function n_replaced(item) return item.range['end'].character - item.range.start.character end

local function hide()
  if shown then ghost.clear(shown.place.buf) end
  shown, told = nil, nil
end

---Draw what is left of the suggestion at a place; hide it where it does not fit.
---@param place midfill.Place
---@return boolean
local function draw(place)
  local rest = rest_at(place)
  if not shown or not rest then
    hide()
    return false
  end
  local item = shown.items[shown.index]
  ghost.draw({
    buf = place.buf,
    row = place.row,
    col = place.col,
    text = rest,
    n_replaced = n_replaced(item),
    hint = shown.is_chosen and ('(%d/%d)'):format(shown.index, #shown.items) or nil,
  })
  if told ~= item then
    told = item
    server.notify('textDocument/didShowCompletion', { item = item })
  end
  return true
end

---Whether an item can be shown: plain text for the place that was asked about.
---@param item lsp.InlineCompletionItem
---@param place midfill.Place
---@return boolean
local function is_for(item, place)
  if not item.range then return false end
  local start, stop = item.range.start, item.range['end']
  return start.line == place.row and start.character == place.col and stop.line == place.row
end

---@param place midfill.Place where it was asked
---@param items lsp.InlineCompletionItem[]
---@param step integer how far the user wants to go from the one that is shown
local function take(place, items, step)
  local now = places.here()
  if not is_typing() or not places.is_same(now, place) then return end
  local was_shown = rest_at(now) ~= nil
  hide()
  local fitting = vim.iter(items):filter(function(item) return is_for(item, place) end):totable()
  if #fitting == 0 then return end
  local index = was_shown and step % #fitting + 1 or 1
  shown = { place = place, items = fitting, index = index, is_chosen = step ~= 0 }
  draw(now)
end

---@param kind 1|2
---@param place midfill.Place
---@param step integer
local function ask(kind, place, step)
  if not server.has(place.buf) or status.is_paused(place.buf) or vim.b[place.buf].midfill == false then
    return hide()
  end
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(place.buf) },
    position = { line = place.row, character = place.col },
    context = { triggerKind = kind },
  }
  local this = {} ---@type { id: integer? }
  asked = this
  this.id = server.request(METHOD, params, place.buf, function(result)
    if asked ~= this then return end -- a newer one is on its way
    asked = nil
    take(place, result and result.items or {}, step)
  end)
end

local last ---@type midfill.Place? where was asked last: two events tell of one key

---Something was typed, or the cursor moved: keep what still fits, and ask anew.
local function follow()
  if not is_typing() then return hide() end
  local place = places.here()
  if last and places.is_same(last, place) then return end
  last = place
  if not (draw(place) and shown and shown.is_chosen) then ask(AUTOMATIC, place, 0) end
end

---What the server answered so far does not hold any more.
function M.ask_again()
  last = nil
  follow()
end

---Nobody types any more: nothing is shown, and nothing is waited for.
local function leave()
  last = nil
  hide()
  if asked and asked.id then server.cancel(asked.id) end
  asked = nil
end

---Begin to follow what is typed in a buffer.
---@param buf integer
function M.watch(buf)
  local group = vim.api.nvim_create_augroup('midfill.' .. buf, {})
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = buf, callback = callback })
  end
  on({ 'CursorMovedI', 'TextChangedI' }, follow)
  on({ 'InsertEnter', 'CompleteDone' }, vim.schedule_wrap(follow)) -- only then is it so
  on({ 'InsertLeave', 'BufLeave' }, leave)
  on({ 'TextChangedP', 'CompleteChanged' }, hide)
end

---@return boolean
function M.is_visible() return shown ~= nil and is_typing() and rest_at(places.here()) ~= nil end

---@param place midfill.Place
---@param part string
---@param n_bytes integer how much behind the cursor it takes the place of
local function insert(place, part, n_bytes)
  local options = vim.bo[place.buf]
  options.undolevels = options.undolevels -- ends an undo block: what is accepted is undone by itself
  local lines = vim.split(part, '\n', { plain = true })
  vim.api.nvim_buf_set_text(place.buf, place.row, place.col, place.row, place.col + n_bytes, lines)
  local col = #lines[#lines] + (#lines == 1 and place.col or 0)
  vim.api.nvim_win_set_cursor(0, { place.row + #lines, col })
  options.undolevels = options.undolevels
end

---@param how 'whole'|'word'|'line'
---@return boolean
function M.accept(how)
  local place = places.here()
  local rest = is_typing() and rest_at(place)
  if not shown or not rest then return false end
  local item = shown.items[shown.index]
  local part = how == 'whole' and rest or how == 'word' and text.first_word(rest) or text.first_line(rest)
  if part == rest then
    hide()
    insert(place, part, n_replaced(item))
    if item.command then server.request('workspace/executeCommand', item.command, place.buf, function() end) end
    return true
  end
  insert(place, part, 0)
  draw(places.here())
  local n_accepted = text.n_utf16(item.insertText) - text.n_utf16(rest) + text.n_utf16(part)
  server.notify('textDocument/didPartiallyAcceptCompletion', { item = item, acceptedLength = n_accepted })
  return true
end

---Show the suggestion that is `step` further; asks for all there are when only one is known.
---@param step 1|-1
---@return boolean
function M.cycle(step)
  local place = places.here()
  if not is_typing() or not server.has(place.buf) then return false end
  if not shown or not rest_at(place) or #shown.items == 1 then
    ask(INVOKED, place, step)
    return true
  end
  for _ = 1, #shown.items do -- those that what was typed rules out are passed over
    shown.index = (shown.index - 1 + step) % #shown.items + 1
    if rest_at(place) then break end
  end
  shown.is_chosen = true
  return draw(place)
end

---@return boolean
function M.dismiss()
  local was_visible = M.is_visible()
  hide()
  return was_visible
end

return M
