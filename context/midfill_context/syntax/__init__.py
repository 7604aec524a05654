"""Syntax: tree-sitter grammars and what is read off a tree. Grammars are loaded when a file first needs them."""
