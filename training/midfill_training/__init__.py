"""Repositories in, a GGUF out. The only place with torch."""
