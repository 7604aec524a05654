"""Packing: the files of a corpus, in an order that a model can learn from, become rows of tokens."""
