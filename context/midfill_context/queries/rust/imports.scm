((use_declaration (visibility_modifier) argument: (_) @tree) @import (#set! kind "pub use") (#set! separator "::"))
((use_declaration argument: (_) @tree) @import (#set! kind "use") (#set! separator "::"))
((attribute_item (attribute (identifier) @_path value: (string_literal (string_content) @alias)))
  . (mod_item name: (_) @module !body) @import
  (#eq? @_path "path")
  (#set! kind "mod"))
((mod_item name: (_) @module !body) @import (#set! kind "mod"))
((extern_crate_declaration name: (_) @module alias: (_)? @alias) @import (#set! kind "use"))
