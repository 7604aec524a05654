(package_clause (package_identifier) @package)
(import_spec path: (interpreted_string_literal (_) @module)) @import
(import_spec path: (raw_string_literal (_) @module)) @import
(import_spec name: (package_identifier) @alias path: (_ (_) @module)) @import
(import_spec name: (dot) @wildcard path: (_ (_) @module)) @import
