; inherits: c
(template_declaration
  (class_specifier name: (_) @name body: (_) @body)) @definition.class
(template_declaration
  (struct_specifier name: (_) @name body: (_) @body)) @definition.struct
(class_specifier name: (_) @name body: (_) @body) @definition.class
(template_declaration
  (function_definition
    declarator: [
      (function_declarator declarator: (_) @name)
      (pointer_declarator declarator: (function_declarator declarator: (_) @name))
      (reference_declarator (function_declarator declarator: (_) @name))]
    body: (_) @body)) @definition.function
(template_declaration
  (declaration
    declarator: [
      (function_declarator declarator: (_) @name)
      (pointer_declarator declarator: (function_declarator declarator: (_) @name))
      (reference_declarator (function_declarator declarator: (_) @name))])) @definition.function
(template_declaration (alias_declaration name: (_) @name)) @definition.type
(template_declaration (concept_definition name: (_) @name)) @definition.type
(namespace_definition name: (_) @name body: (_) @body) @definition.namespace
(alias_declaration name: (_) @name) @definition.type
(concept_definition name: (_) @name) @definition.type

(function_definition
  declarator: (reference_declarator (function_declarator declarator: (_) @name))
  body: (_) @body) @definition.function
(function_definition declarator: (function_declarator declarator: (_) @name)) @definition.function
(declaration
  declarator: (function_declarator declarator: [(destructor_name) (operator_name)] @name)) @definition.function
(declaration declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition.function
(field_declaration
  declarator: (function_declarator declarator: [(field_identifier) (operator_name)] @name)) @definition.function
(field_declaration
  declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition.function
(field_declaration
  declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition.function
(field_declaration declarator: (reference_declarator (field_identifier) @name)) @definition.field

(namespace_identifier) @identifier
