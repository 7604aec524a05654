"""Model files: what a GGUF is, which models there are, where they lie and how they get there."""
