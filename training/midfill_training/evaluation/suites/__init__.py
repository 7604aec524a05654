"""The benchmarks, one module each: how a row becomes a case, and how an answer is judged."""
