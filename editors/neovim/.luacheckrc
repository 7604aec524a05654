std = 'luajit'
read_globals = { 'vim' }
globals = { 'vim.b', 'vim.bo', 'vim.g' } -- what is written to
max_line_length = 120
