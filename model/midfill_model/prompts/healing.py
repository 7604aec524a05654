"""Token healing: where a prompt may end without condemning what the model writes next.

A prompt that ends in the middle of what would be one token, or in white space, forces the model on a path it
never saw in training, and small models do not find back from there. So the tokens at the end are taken back to a
boundary that no token of the vocabulary crosses, and the model has to spell the same bytes again, in whatever
tokens it likes best.
"""

from __future__ import annotations

from collections.abc import Sequence

from midfill_model.prompts.vocabulary import PieceIndex

MAX_SPACE_BYTES = 256
MAX_TOKENS = 8


def n_safe_tokens(tokens: Sequence[int], pieces: Sequence[bytes], index: PieceIndex, max_bytes: int) -> int:
    """How many of `tokens` the prompt keeps; the bytes of the others are at most `max_bytes`."""
    taken = b""
    n_kept = len(tokens)
    while n_kept and pieces[tokens[n_kept - 1]][-1:].isspace():
        grown = pieces[tokens[n_kept - 1]] + taken
        if len(grown) > min(max_bytes, MAX_SPACE_BYTES):
            break
        taken = grown
        n_kept -= 1
    floor = max(n_kept - MAX_TOKENS, 0)
    while n_kept > floor and index.crosses(pieces[tokens[n_kept - 1]], taken):
        grown = pieces[tokens[n_kept - 1]] + taken
        if len(grown) > max_bytes:
            break
        taken = grown
        n_kept -= 1
    return n_kept
