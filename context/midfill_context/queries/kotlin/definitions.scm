(class_declaration name: (_) @name) @definition.class
(class_declaration name: (_) @name [(class_body) (enum_class_body)] @body) @definition.class
(object_declaration name: (_) @name) @definition.class
(object_declaration name: (_) @name (class_body) @body) @definition.class
(companion_object (class_body) @body) @_companion
(function_declaration name: (_) @name) @definition.function
(function_declaration name: (_) @name (function_body) @body) @definition.function
(function_declaration . (user_type (identifier) @scope) . name: (_) @name) @definition.function
(class_body (secondary_constructor) @definition.method)
(property_declaration (variable_declaration . (identifier) @name)) @definition.variable
(class_parameter ["val" "var"] . (identifier) @name) @definition.field
(type_alias . (identifier) @name) @definition.type
(enum_entry (identifier) @name) @definition.constant

(identifier) @identifier
