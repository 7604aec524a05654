-- Sourced when Neovim starts: the command, and nothing else, so that whoever does not use it pays nothing.
if vim.g.loaded_midfill then return end
vim.g.loaded_midfill = true

vim.api.nvim_create_user_command('Midfill', function(call) require('midfill.commands').run(call.fargs) end, {
  nargs = '*',
  desc = 'midfill: inline completion',
  complete = function(word, line) return require('midfill.commands').complete(word, line) end,
})
