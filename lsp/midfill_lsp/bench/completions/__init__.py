"""Benchmarks of where completions end."""
