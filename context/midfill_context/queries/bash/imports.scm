((command
  name: (command_name) @_command
  argument: [
    (word) @module
    (raw_string) @module
    (string) @module
    (concatenation) @module]) @import
  (#any-of? @_command "source" "."))
