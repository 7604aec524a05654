"""The order of a project's files before they are packed: related files stand near each other (PAPER.md section 3)."""
