"""The subcommands of `midfill-train` about checkpoints: `add_parser` declares each, its handler returns the exit code."""
