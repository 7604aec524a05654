---Inline code completion by a model on this machine. See |midfill|.
---
---Loaded when Neovim starts, so it requires no other module before it has to.
local M = {}

---Begin to suggest, in files that are open and in those to come.
---@param options? midfill.Options
function M.setup(options)
  require('midfill.config').take(options)
  local group = vim.api.nvim_create_augroup('midfill', {})
  vim.api.nvim_create_autocmd({ 'FileType', 'InsertEnter' }, {
    group = group,
    callback = function(event)
      if vim.v.vim_did_enter == 0 then return end -- Neovim's LSP client would be loaded before the first screen
      vim.schedule(function() require('midfill.buffers').take(event.buf) end) -- other autocommands may set b:midfill
    end,
  })
  local function take_all() vim.schedule(require('midfill.buffers').take_all) end
  if vim.v.vim_did_enter == 1 then
    take_all()
  else
    vim.api.nvim_create_autocmd('VimEnter', { group = group, once = true, callback = take_all })
  end
end

---For a statusline: '' before the server runs, then 'midfill', followed by what there is to know. Costs nothing.
---@return string
function M.status() return require('midfill.status').text() end

---Whether there is ghost text that could be accepted now.
---@return boolean
function M.is_visible() return require('midfill.suggesting').is_visible() end

---Accept the suggestion. This and the functions below return whether there was something to act on.
---@return boolean
function M.accept() return require('midfill.suggesting').accept('whole') end

---Accept the suggestion's next word.
---@return boolean
function M.accept_word() return require('midfill.suggesting').accept('word') end

---Accept the suggestion up to the end of its line.
---@return boolean
function M.accept_line() return require('midfill.suggesting').accept('line') end

---Show the next suggestion; asks for some where none is shown.
---@return boolean
function M.next() return require('midfill.suggesting').cycle(1) end

---Show the previous suggestion.
---@return boolean
function M.previous() return require('midfill.suggesting').cycle(-1) end

---Take the ghost text away.
---@return boolean
function M.dismiss() return require('midfill.suggesting').dismiss() end

return M
