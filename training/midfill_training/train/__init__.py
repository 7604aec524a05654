"""Training: rows of tokens in, a checkpoint out. One loop for one process and for many."""
