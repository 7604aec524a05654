"""Judges a model as it is served: benchmarks with known answers, intervals for every figure, fair comparisons."""
