((call method: (identifier) @_method arguments: (argument_list . (string (string_content) @module) .)) @import
  (#any-of? @_method "require" "load"))
((call method: (identifier) @_method arguments: (argument_list . (string (string_content) @module) .)) @import
  (#eq? @_method "require_relative")
  (#set! kind "relative"))
((call
  method: (identifier) @_method
  arguments: (argument_list . (simple_symbol) @name . (string (string_content) @module) .)) @import
  (#eq? @_method "autoload"))
