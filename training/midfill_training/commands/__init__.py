"""The subcommands of `midfill-train`: `add_parser` declares one, its handler returns the exit code."""
