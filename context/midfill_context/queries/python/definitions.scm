(decorated_definition definition: (class_definition name: (_) @name body: (_) @body)) @definition.class
(class_definition name: (_) @name body: (_) @body) @definition.class
(decorated_definition definition: (function_definition name: (_) @name body: (_) @body)) @definition.function
(function_definition name: (_) @name body: (_) @body) @definition.function
(class_definition name: (_) @name body: (block . (expression_statement (string) @doc)))
(function_definition name: (_) @name body: (block . (expression_statement (string) @doc)))

(module (expression_statement (assignment left: (identifier) @name)) @definition.variable)
(module (expression_statement (assignment left: (pattern_list (identifier) @name))) @definition.variable)
(module (_ (block (expression_statement (assignment left: (identifier) @name)) @definition.variable)))
(module (type_alias_statement left: (type (identifier) @name)) @definition.type)
(class_definition
  body: (block (expression_statement (assignment left: (identifier) @name)) @definition.field))
((function_definition
  name: (_) @_function
  body: (block
    (expression_statement
      (assignment left: (attribute object: (identifier) @_self attribute: (_) @name))) @definition.field))
  (#eq? @_function "__init__")
  (#eq? @_self "self"))

(identifier) @identifier
