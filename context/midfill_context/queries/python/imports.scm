; import a.b, c as d
(import_statement name: (dotted_name) @module) @import
(import_statement name: (aliased_import name: (dotted_name) @module alias: (identifier) @alias)) @import

; from ..a import b, c as d; from a import *
((import_from_statement module_name: (_) @module) @import (#set! kind "from"))
((import_from_statement module_name: (_) @module name: (dotted_name) @name) @import (#set! kind "from"))
((import_from_statement
  module_name: (_) @module
  name: (aliased_import name: (dotted_name) @name alias: (identifier) @as)) @import
  (#set! kind "from"))
((import_from_statement module_name: (_) @module (wildcard_import) @wildcard) @import (#set! kind "from"))
