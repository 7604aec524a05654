(function_declaration name: (_) @name body: (_)? @body) @definition.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @scope
    (generic_type type: (type_identifier) @scope)
    (pointer_type (type_identifier) @scope)
    (pointer_type (generic_type type: (type_identifier) @scope))]))
  name: (_) @name
  body: (_)? @body) @definition.method
; `type T struct` with its keyword, unless it stands in a group
((type_declaration (type_spec name: (_) @name type: (struct_type (_) @body))) @definition.struct
  (#not-match? @definition.struct "^type\\s*\\("))
((type_declaration (type_spec name: (_) @name type: (interface_type "{" @body))) @definition.interface
  (#not-match? @definition.interface "^type\\s*\\("))
((type_declaration (type_spec name: (_) @name)) @definition.type (#not-match? @definition.type "^type\\s*\\("))
(type_spec name: (_) @name type: (struct_type (_) @body)) @definition.struct
(type_spec name: (_) @name type: (interface_type "{" @body)) @definition.interface
(type_spec name: (_) @name) @definition.type
(type_alias name: (_) @name) @definition.type
(field_declaration name: (_) @name) @definition.field
(field_declaration !name type: (type_identifier) @name) @definition.field
(interface_type (type_elem (type_identifier) @name) @definition.field)
(method_elem name: (_) @name) @definition.method
(const_spec name: (identifier) @name) @definition.constant
(var_spec name: (identifier) @name) @definition.variable

[(identifier) (type_identifier) (field_identifier) (package_identifier)] @identifier
