"""Benchmarks of the workspace index and of retrieval."""
