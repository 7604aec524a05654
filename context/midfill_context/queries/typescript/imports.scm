; inherits: javascript

; import type { a } from "m"; export type { a } from "m"
(import_statement "type" @type source: (string (string_fragment) @module)) @import
((export_statement "type" @type source: (string (string_fragment) @module)) @import (#set! kind "export"))

; import n = require("m"); export = a
((import_statement
  (import_require_clause (identifier) @alias source: (string (string_fragment) @module))) @import
  (#set! kind "require"))
((export_statement "=" (identifier) @own @name) @import (#set! kind "export") (#set! local "default"))
