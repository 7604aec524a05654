"""What else in this workspace bears on the cursor. Knows no model and no LSP."""
