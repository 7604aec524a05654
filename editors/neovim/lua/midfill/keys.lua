---Keys in insert mode, in buffers that the server has. A key without anything to act on does what it did before.
local config = require('midfill.config')

local M = {}

---@param lhs string
---@param mappings table[] as nvim_get_keymap() returns them
---@return table?
local function mapping_of(lhs, mappings)
  local raw = vim.keycode(lhs)
  return vim.iter(mappings):find(function(each) return each.lhsraw == raw or each.lhsrawalt == raw end)
end

---Keys that do what a mapping does, by giving it another name. So the editor itself runs it, whatever kind it is of.
---@param mapping table
---@param action string
---@return string
local function renamed(mapping, action)
  local name = ('<Plug>(midfill-before-%s)'):format(action)
  vim.fn.mapset(vim.tbl_extend('force', mapping, { lhs = name, lhsraw = vim.keycode(name), lhsrawalt = vim.NIL }))
  return name
end

---Whether a menu or a snippet waits for the key: Neovim's own, or those of plugins that are loaded.
---@return boolean
local function is_wanted_elsewhere()
  if vim.fn.pumvisible() == 1 or vim.snippet.active({ direction = 1 }) then return true end
  local cmp, blink, luasnip = package.loaded['cmp'], package.loaded['blink.cmp'], package.loaded['luasnip']
  return (cmp and cmp.visible()) or (blink and blink.is_visible()) or (luasnip and luasnip.locally_jumpable(1)) or false
end

---@type table<string, fun(): boolean> whether the key is ours now
local IS_OURS = {
  accept = function() return require('midfill').is_visible() and not is_wanted_elsewhere() end,
  next = function() return vim.fn.pumvisible() == 0 end,
}

local function is_ours_by_default() return require('midfill').is_visible() end

---@param buf integer
---@param action string
---@param lhs string
local function map(buf, action, lhs)
  local is_ours = IS_OURS[action] or is_ours_by_default
  local before_here = mapping_of(lhs, vim.api.nvim_buf_get_keymap(buf, 'i'))
  vim.keymap.set('i', lhs, function()
    -- Not done here, where the text must not change, nor later, when more may be typed.
    if is_ours() then return ("<Cmd>lua require('midfill').%s()<CR>"):format(action) end
    local before = before_here or mapping_of(lhs, vim.api.nvim_get_keymap('i')) -- others may come later than we do
    return before and renamed(before, action) or lhs
  end, { buffer = buf, expr = true, remap = true, desc = 'midfill: ' .. action:gsub('_', ' ') })
end

---Map the keys of the options in a buffer, once.
---@param buf integer
function M.map(buf)
  if vim.b[buf].midfill_keys then return end
  vim.b[buf].midfill_keys = true -- goes with the buffer, as its mappings do
  for action, lhs in pairs(config.options.keys) do
    if lhs then map(buf, action, lhs) end
  end
end

return M
