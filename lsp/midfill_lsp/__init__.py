"""The language server and the `midfill` command: keystrokes in, edits out. The only place with LSP types."""

__version__ = "0.1.0"
