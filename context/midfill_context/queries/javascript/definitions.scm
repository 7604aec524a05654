(class_declaration name: (_) @name body: (_) @body) @definition.class
(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(class_body (method_definition name: (_) @name body: (_) @body) @definition.method)
; a field; TypeScript names the node otherwise, but inherits this file
(class_body (_ property: (_) @name) @definition.field)

([(lexical_declaration
    (variable_declarator name: (identifier) @name value: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)]))
  (variable_declaration
    (variable_declarator name: (identifier) @name value: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)]))] @definition.function)
(lexical_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body))) @definition.class
(program [
  (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable
  (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable
  (export_statement [
    (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable
    (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable])])

; const x = { method() {}, key: () => {} }
(program
  [(lexical_declaration (variable_declarator name: (identifier) @scope value: (object [
      (method_definition name: (property_identifier) @name body: (_) @body) @definition.method
      (pair
        key: (property_identifier) @name
        value: [
          (arrow_function body: (_) @body)
          (function_expression body: (_) @body)]) @definition.method])))
   (export_statement
     (lexical_declaration (variable_declarator name: (identifier) @scope value: (object [
      (method_definition name: (property_identifier) @name body: (_) @body) @definition.method
      (pair
        key: (property_identifier) @name
        value: [
          (arrow_function body: (_) @body)
          (function_expression body: (_) @body)]) @definition.method]))))])

; exports.f = function () {}; A.prototype.f = () => {}
(program (expression_statement
  (assignment_expression
    left: (member_expression object: (_) @_object property: (property_identifier) @name)
    right: [
      (arrow_function body: (_) @body)
      (function_expression body: (_) @body)
      (generator_function body: (_) @body)])) @definition.function)

((method_definition
  name: (_) @_method
  body: (statement_block
    (expression_statement
      (assignment_expression left: (member_expression object: (this) property: (_) @name))) @definition.field))
  (#eq? @_method "constructor"))

[
  (identifier)
  (property_identifier)
  (private_property_identifier)
  (shorthand_property_identifier)
  (shorthand_property_identifier_pattern)
] @identifier
