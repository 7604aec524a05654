"""Repositories become a corpus: sources are read, files are judged one by one and against each other."""
