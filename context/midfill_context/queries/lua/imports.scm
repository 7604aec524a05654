((function_call
  name: (identifier) @_function
  arguments: (arguments . (string content: (_) @module))) @import
  (#any-of? @_function "require" "dofile" "loadfile"))
((variable_declaration
  (assignment_statement
    (variable_list . name: (identifier) @alias)
    (expression_list
      . value: (function_call
        name: (identifier) @_function
        arguments: (arguments . (string content: (_) @module)))))) @import
  (#eq? @_function "require"))
