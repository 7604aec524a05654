"""Prompts: how a cursor becomes token ids, in the format each model was trained with."""
