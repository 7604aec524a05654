"""Which part of a long file goes into the prompt, moved in coarse steps.

A window that slid with every keystroke would change the first token of the prompt each time and throw away the
whole KV cache. Here the start depends on the length of the text before the cursor in steps of a quarter window,
so that it stays put for hundreds of keystrokes. No state is kept: the same text always gives the same window.
"""

from __future__ import annotations

STEPS = 4


def prefix_window(prefix: str, max_chars: int) -> str:
    """The end of `prefix`, from the start of a line: at most `max_chars`, at least half of it."""
    excess = len(prefix) - max_chars
    if excess <= 0:
        return prefix
    step = max(max_chars // STEPS, 1)
    start = -(-excess // step) * step
    line = prefix.find("\n", start - 1, start + step)
    return prefix[start if line < 0 else line + 1 :]


def suffix_window(suffix: str, max_chars: int) -> str:
    """The start of `suffix` up to the end of a line, at most `max_chars`."""
    if len(suffix) <= max_chars:
        return suffix
    return suffix[: suffix.rfind("\n", 0, max_chars) + 1] or suffix[:max_chars]
