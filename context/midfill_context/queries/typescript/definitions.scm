; inherits: javascript
(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(type_alias_declaration name: (_) @name) @definition.type
(type_alias_declaration name: (_) @name value: (object_type) @body) @definition.type
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(enum_body [
  (property_identifier) @name @definition.constant
  (enum_assignment name: (property_identifier) @name) @definition.constant])
(internal_module name: (_) @name body: (_) @body) @definition.namespace
(module name: (_) @name body: (_) @body) @definition.namespace

(function_signature name: (_) @name) @definition.function
(ambient_declaration [
  (lexical_declaration (variable_declarator name: (identifier) @name))
  (variable_declaration (variable_declarator name: (identifier) @name))]) @definition.variable
(internal_module body: (statement_block [
  (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable)]))

(abstract_method_signature name: (_) @name) @definition.method
(class_body (method_signature name: (_) @name) @definition.method)
(interface_body [
  (method_signature name: (_) @name) @definition.method
  (property_signature name: (_) @name) @definition.field])
(type_alias_declaration value: (object_type [
  (method_signature name: (_) @name) @definition.method
  (property_signature name: (_) @name) @definition.field]))
(public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(public_field_definition name: (_) @name) @definition.field

(type_identifier) @identifier
