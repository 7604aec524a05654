"""Windows on long texts: bounded, at line starts, and still where they were after the next keystroke."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfill_model.prompts.window import STEPS, prefix_window, suffix_window

CODE = "".join(f"    total_{at} = sum(x for x in range({at}))  # line {at}\n" for at in range(400))
LONG_LINES = "".join(chr(97 + at % 26) * (37 * at % 700) + "\n" for at in range(60))
ONE_LINE = "x = [" + "1234, " * 4000


@pytest.mark.parametrize("max_chars", [100, 1000, 3072])
@pytest.mark.parametrize("text", [CODE, LONG_LINES, ONE_LINE], ids=["code", "long lines", "one line"])
def test_start_moves_in_steps(text: str, max_chars: int) -> None:
    """Typing 5,000 characters one by one, at the end of a text that is longer than the window from the start."""
    assert len(text) > 5000 + max_chars
    typed = range(max_chars, max_chars + 5001)
    starts = [length - len(prefix_window(text[:length], max_chars)) for length in typed]
    assert starts == sorted(starts), "a window never goes back"
    n_moves = len(set(starts)) - 1
    assert 0 < n_moves <= 5000 // (max_chars // STEPS) + 1


@settings(derandomize=True, max_examples=300)
@given(
    text=st.lists(st.sampled_from(["\n", "a", "ab cd", "\t", "é🙂", "x" * 40]), max_size=80).map("".join),
    max_chars=st.integers(0, 200),
)
def test_prefix_window(text: str, max_chars: int) -> None:
    window = prefix_window(text, max_chars)
    assert text.endswith(window)
    assert len(window) <= max_chars
    if len(text) <= max_chars:
        assert window == text
    else:
        assert len(window) >= max_chars // 2
    start = len(text) - len(window)
    step = max(max_chars // STEPS, 1)
    if start and text[start - 1] != "\n":
        assert start % step == 0, "a line too long to wait for its end"
        assert "\n" not in text[start - 1 : start + step]


@settings(derandomize=True, max_examples=300)
@given(
    text=st.lists(st.sampled_from(["\n", "a", "ab cd", "é🙂", "x" * 40]), max_size=80).map("".join),
    max_chars=st.integers(0, 200),
)
def test_suffix_window(text: str, max_chars: int) -> None:
    window = suffix_window(text, max_chars)
    assert text.startswith(window)
    assert len(window) <= max_chars
    if window == text:
        return
    line_end = text.rfind("\n", 0, max_chars)
    assert window == (text[: line_end + 1] if line_end >= 0 else text[:max_chars])


@pytest.mark.parametrize(
    ("prefix", "max_chars", "window"),
    [
        ("", 0, ""),
        ("", 10, ""),
        ("abc", 3, "abc"),
        ("abc", 0, ""),
        ("abc", 2, "bc"),
        ("one\ntwo\nthree\nfour\n", 16, "two\nthree\nfour\n"),
        ("one\ntwo\nthree\nfour\n", 12, "hree\nfour\n"),
        ("x" * 20, 12, "x" * 11),
    ],
)
def test_places(prefix: str, max_chars: int, window: str) -> None:
    assert prefix_window(prefix, max_chars) == window
