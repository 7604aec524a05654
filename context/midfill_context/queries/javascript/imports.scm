; import "m"; import d, { a as b } from "m"; import * as n from "m"
(import_statement source: (string (string_fragment) @module)) @import
(import_statement (import_clause (identifier) @default) source: (string (string_fragment) @module)) @import
(import_statement (import_clause (namespace_import (identifier) @alias)) source: (string (string_fragment) @module)) @import

; export * from "m"; export * as n from "m"; export { a as b } from "m"; export { a as b }
((export_statement source: (string (string_fragment) @module)) @import (#set! kind "export"))
((export_statement "*" @wildcard source: (string (string_fragment) @module)) @import (#set! kind "export"))
((export_statement (namespace_export (_) @alias) source: (string (string_fragment) @module)) @import
  (#set! kind "export"))
((export_statement (export_clause) @own !source) @import (#set! kind "export"))

; A pattern with the statement around it would keep a state open for each name until the statement ends.
[
  (import_specifier name: (_) @part.name alias: (_)? @part.as)
  (export_specifier name: (_) @part.name alias: (_)? @part.as)
]

; export default a; export default class A {}; module.exports = a
((export_statement "default" value: (identifier) @own @name) @import (#set! kind "export") (#set! local "default"))
((export_statement "default" declaration: (_ name: (_) @own @name)) @import
  (#set! kind "export")
  (#set! local "default"))
((expression_statement
  (assignment_expression
    left: (member_expression object: (identifier) @_module property: (property_identifier) @_exports)
    right: (identifier) @own @name)) @import
  (#eq? @_module "module")
  (#eq? @_exports "exports")
  (#set! kind "export")
  (#set! local "default"))

; const n = require("m"); const { a, b: c } = require("m"); require("m"); import("m")
((call_expression
  function: (identifier) @_function
  arguments: (arguments . (string (string_fragment) @module) .)) @import
  (#eq? @_function "require")
  (#set! kind "require"))
((variable_declarator
  name: (identifier) @alias
  value: (call_expression
    function: (identifier) @_function
    arguments: (arguments . (string (string_fragment) @module) .))) @import
  (#eq? @_function "require")
  (#set! kind "require"))
((variable_declarator
  name: (object_pattern [
    (shorthand_property_identifier_pattern) @name
    (pair_pattern key: (property_identifier) @name value: (identifier) @as)])
  value: (call_expression
    function: (identifier) @_function
    arguments: (arguments . (string (string_fragment) @module) .))) @import
  (#eq? @_function "require")
  (#set! kind "require"))
((call_expression
  function: (import)
  arguments: (arguments . (string (string_fragment) @module))) @import
  (#set! kind "dynamic"))
