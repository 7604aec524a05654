"""Where completions end by lines, as a table: the place in the file, what the model writes, what is left of it and why.

The place is a file with `|` where the cursor is.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfill_context.cursor import Cursor
from midfill_model.ending import N_LINES_BELOW, Ended, LineEnding, RawEnding, ending_of, line_ending
from midfill_model.engine import CompletionRequest, Ending, StopReason

LINE, SUFFIX, MAX_TOKENS = StopReason.LINE, StopReason.SUFFIX, StopReason.MAX_TOKENS


def ending_at(place: str) -> LineEnding:
    prefix, _, suffix = place.partition("|")
    return line_ending(Cursor("a.py", "python", prefix, suffix))


def feed(place: str, written: str, n_chars: int = 1) -> Ended:
    """As decoding does: all the text so far, after every `n_chars` more, until it ends."""
    ending = ending_at(place)
    for end in range(1, len(written) + n_chars, n_chars):
        ended = ending.cut(written[:end])
        if ended:
            return ended
    return ending.finish(written, MAX_TOKENS)


TABLE = {
    # at the end of a line
    "line": ("x = |\ny = 2\n", "1\nz = 3\n", "1", LINE),
    "end of file": ("x = |", "1\n", "1", LINE),
    "no end in sight": ("x = |\n", "1 + 2", "1 + 2", MAX_TOKENS),
    "leading newline": ("def f():|\n", "\n    return 1\n", "\n    return 1", LINE),
    "leading newlines and blanks": ("def f():|\n", "\n  \n\n    return 1\n    x", "\n  \n\n    return 1", LINE),
    "only white space": ("x = 1|\n", "\n\n    \n", "\n\n    \n", MAX_TOKENS),
    "indentation": ("def f():\n|\n", "    return 1\n", "    return 1", LINE),
    "white space after the cursor": ("x = |  \ny\n", "1\n", "1", LINE),
    # repeats of the next line
    "repeats next line": ("a = 1\n|\nb = 2\n", "b = 2\n", "", SUFFIX),
    "repeats next line, indented": ("def f():\n    |\n    return 1\n", "return 1\n", "", SUFFIX),
    "repeats next line after a newline": ("x = 1|\ny = 2\n", "\ny = 2\n", "", SUFFIX),
    "repeats next line, blank lines between": ("a = 1\n|\n\n\nb = 2  \n", "b = 2\n", "", SUFFIX),
    "repeats next line but for trailing blanks": ("|\nb = 2\n", "b = 2  \n", "", SUFFIX),
    "other indentation is no repeat": ("    |\n        return 1\n", "return 1\n", "return 1", LINE),
    "head of line counts": ("return |\nreturn 1\n", "1\n", "", SUFFIX),
    "part of the next line is no repeat": ("|\nb = 2 + 3\n", "b = 2\n", "b = 2", LINE),
    "repeat cut by the budget": ("|\nb = 2\n", "b = 2", "", SUFFIX),
    # brackets that the rest of the line closes
    "call": ("f(|)\n", "a, b)\n", "a, b", SUFFIX),
    "call with its own brackets": ("f(|)\n", "g(a), [b])\n", "g(a), [b]", SUFFIX),
    "index": ("x[|] = 1\n", "i] = 1\n", "i", SUFFIX),
    "braces": ("d = {|}\n", "'a': {1}}\n", "'a': {1}", SUFFIX),
    "closes at once": ("f(|)\n", ")\n", "", SUFFIX),
    "closer and more": ("if f(|):\n", "x): pass\n", "x", SUFFIX),
    "closes its own only": ("f(|)\n", "g()\n", "g()", LINE),
    "closes its own only, and more": ("f(|));\n", "g(h(1));\n", "g(h(1));", LINE),
    "closes its own only, no newline": ("f(|)\n", "g()", "g()", MAX_TOKENS),
    "own brackets before the rest": ("x = |, 5)\n", "g(1), 5)\n", "g(1)", SUFFIX),
    "another closer comes first": ("f(|)\n", "a])\n", "a]", SUFFIX),
    # repeats of the rest of the line
    "rest of line": ("x = |, timeout=5)\n", "url, timeout=5)\n", "url", SUFFIX),
    "rest of line with a quote": ('open("|")\n', 'a.txt")\n', "a.txt", SUFFIX),
    "rest of line, trailing blanks": ("x = |;\n", "1;  \n", "1", SUFFIX),
    "rest of line at the budget": ("x = |;\n", "1;", "1", SUFFIX),
    "rest of line is not there": ("x = | + 1\n", "2\n", "2", LINE),
    # in the middle of a line it never leaves the line
    "newline first": ("x = | + 1\n", "\ny = 2\n", "", LINE),
    "blanks and newline": ("x = | + 1\n", "  \n  y", "  ", LINE),
    "line, but for the rest": ("x = |)\n", "1\n", "1", LINE),
    "next line is nobody's business": ("f(|)\na\n", "a\n", "a", LINE),
}


@pytest.mark.parametrize(("place", "written", "text", "reason"), TABLE.values(), ids=TABLE)
def test_ends(place: str, written: str, text: str, reason: StopReason) -> None:
    assert feed(place, written) == Ended(text, reason)


@pytest.mark.parametrize(("place", "written", "text", "reason"), TABLE.values(), ids=TABLE)
def test_token_lengths_do_not_matter(place: str, written: str, text: str, reason: StopReason) -> None:
    """What comes in one piece ends like what comes by characters."""
    assert feed(place, written, len(written)) == Ended(text, reason)


@settings(derandomize=True, max_examples=300)
@given(
    prefix=st.text("ab( \n", max_size=8),
    rest=st.text("ab)]; ", min_size=1, max_size=4).filter(str.strip),
    written=st.text("ab()[] \n;", max_size=12),
)
def test_in_the_middle_of_a_line_it_stays_there(prefix: str, rest: str, written: str) -> None:
    text = feed(f"{prefix}|{rest}\nbelow\n", written).text
    assert "\n" not in text
    assert written.startswith(text)


@settings(derandomize=True, max_examples=300)
@given(prefix=st.text("ab( \n", max_size=8), written=st.text("ab()[] \n;", max_size=12))
def test_at_the_end_of_a_line_it_writes_one_line_of_code(prefix: str, written: str) -> None:
    ended = feed(f"{prefix}|\nnever written\n", written)
    text = ended.text
    assert written.startswith(text)
    assert len([line for line in text.split("\n") if line.strip()]) <= 1
    if ended.stop_reason is LINE:
        assert text.strip()


def test_it_looks_so_far_below() -> None:
    assert ending_at("|\n" + "\n" * (N_LINES_BELOW - 1) + "x\n").next_line == "x"
    assert ending_at("|\n" + "\n" * N_LINES_BELOW + "x\n").next_line == ""


def test_a_huge_file_below_costs_nothing() -> None:
    """The lines far below are not split."""
    ending = ending_at("x = |\n" + "\n" + "y = 1\n" * 1_000_000)
    assert ending == LineEnding("x = ", "", "y = 1")


@pytest.mark.parametrize(("place", "written"), [(row[0], row[1]) for row in TABLE.values()], ids=TABLE)
def test_raw_takes_what_the_model_wrote(place: str, written: str) -> None:
    prefix, _, suffix = place.partition("|")
    request = CompletionRequest(Cursor("a.py", "python", prefix, suffix), ending=Ending.RAW)
    ending = ending_of(request)
    assert ending.cut(written) is None
    assert ending.finish(written, MAX_TOKENS) == Ended(written, MAX_TOKENS)


@pytest.mark.parametrize("language", ["", "toml"])
def test_a_language_without_a_grammar_ends_by_lines(language: str) -> None:
    cursor = Cursor("a.toml", language, "x = ", "\n")
    assert ending_of(CompletionRequest(cursor)) == line_ending(cursor)


def test_a_request_may_ask_for_another_ending() -> None:
    cursor = Cursor("a.py", "python", "x = ", "\n")
    assert ending_of(CompletionRequest(cursor, ending=Ending.LINE)) == line_ending(cursor)
    assert ending_of(CompletionRequest(cursor, ending=Ending.RAW)) == RawEnding()
