(package_declaration [(identifier) (scoped_identifier)] @package)
((import_declaration "static" [(identifier) (scoped_identifier)] @module) @import (#set! kind "static"))
(import_declaration [(identifier) (scoped_identifier)] @module) @import
(import_declaration [(identifier) (scoped_identifier)] @module (asterisk) @wildcard) @import
