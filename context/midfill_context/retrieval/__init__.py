"""Retrieval: what else in the workspace bears on a cursor, chosen within a token budget and a time limit."""
