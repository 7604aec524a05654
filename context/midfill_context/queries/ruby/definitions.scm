(class name: (_) @name) @definition.class
(class name: (_) @name body: (_) @body) @definition.class
(module name: (_) @name) @definition.module
(module name: (_) @name body: (_) @body) @definition.module
(method name: (_) @name body: (_)? @body) @definition.function
(singleton_method name: (_) @name body: (_)? @body) @definition.function
(assignment left: (constant) @name) @definition.variable
((call
  method: (identifier) @_method
  arguments: (argument_list (simple_symbol) @name)) @definition.field
  (#any-of? @_method "attr_accessor" "attr_reader" "attr_writer"))

[(identifier) (constant) (instance_variable) (class_variable) (global_variable)] @identifier
