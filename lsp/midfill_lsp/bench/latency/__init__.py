"""Benchmarks of waiting: a typing session with midfill, and the same one with llama-server beside it."""
