"""Tokenizers: trained on a corpus, and read as the vocabularies that examples are encoded with."""
