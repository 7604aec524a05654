"""Benchmarks that play a client against the real server or engine; each returns figures, `commands/bench.py` prints."""
