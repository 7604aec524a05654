"""The parts that endings by structure are made of, each by itself."""

from __future__ import annotations

from math import log

import pytest

from midfill_context.cursor import Cursor
from midfill_context.syntax.grammars import parse
from midfill_model.ending import adds_syntax_error, completion_of, needs_nothing
from midfill_model.ending.brackets import closers_of
from midfill_model.ending.ended import MIN_EXTRA_LOGPROB, Ended
from midfill_model.ending.excerpt import excerpt
from midfill_model.ending.hole import MAX_BYTES, Hole, TooHard
from midfill_model.ending.indentation import Indentation
from midfill_model.ending.judging import Judge
from midfill_model.ending.laxness import count_lax
from midfill_model.ending.pieces import shorter_pieces
from midfill_model.ending.placeholder import closing_placeholder
from midfill_model.ending.repetition import line_loop, repeated_lines, repeated_rest, word_loop
from midfill_model.engine import StopReason

BOTTOM = "\n\n".join(f"def f{i}(a):\n    return a + {i}" for i in range(200))


def hole(place: str, language: str = "python") -> Hole:
    prefix, _, suffix = place.partition("‸")
    return Hole(language, prefix.encode(), suffix.encode())


class TestHole:
    @pytest.mark.parametrize("text", ["", "x", "über(ö)\n    y = '🙂'\n", "(", '"""'])
    def test_the_tree_is_that_of_the_file(self, text: str) -> None:
        found = hole("def ä():\n    ‸\n    return 1\n").fill(text)
        source = f"def ä():\n    {text}\n    return 1\n".encode()
        tree = parse("python", source)
        assert tree is not None
        assert found.source == source
        assert found.source[found.start : found.end].decode() == text
        assert str(found.root) == str(tree.root_node)
        assert found.root.end_point == tree.root_node.end_point

    def test_part_of_the_suffix_is_replaced(self) -> None:
        found = hole("f(‸)\n").fill("a):", 1)
        assert found.source == b"f(a):\n"

    @pytest.mark.parametrize(("language", "n_bytes"), [("python", MAX_BYTES + 1), ("toml", 3), ("", 3)])
    def test_too_hard(self, language: str, n_bytes: int) -> None:
        with pytest.raises(TooHard):
            Hole(language, b"x" * n_bytes, b"")


class TestExcerpt:
    def test_what_is_far_away_is_left_out(self) -> None:
        place = f"{BOTTOM}\n\nclass A:\n    x = 1\n\n    def g(self):\n        y = ‸\n\n{BOTTOM}\n"
        found = hole(place)
        near = excerpt(found, found.fill("x"))
        assert len(near.prefix) + len(near.suffix) < 400
        assert near.prefix.endswith(b"class A:\n    x = 1\n\n    def g(self):\n        y = ")
        assert not near.fill("1").root.has_error

    def test_what_is_broken_stays(self) -> None:
        found = hole("def (:\n\na = 1\nb = 2\nc = 3\nd = 4\nx = ‸\n")
        near = excerpt(found, found.fill("x"))
        assert near.prefix.startswith(b"def (:\n")


@pytest.mark.parametrize(
    ("place", "placeholder"),
    [
        ("x = ‸\n", "x;"),
        ("x = ‸, 2\n", "x"),
        ("f(a, ‸\n", "x);"),
        ("f([‸\n", "x]);"),
        ('f("‸\n', 'x");'),
        ("def f():\n    x = 1\n‸\n    y = 2\n", "    x;"),
        ("f(1)‸\n", ""),
    ],
)
def test_placeholders(place: str, placeholder: str) -> None:
    assert closing_placeholder(hole(place)) == placeholder


@pytest.mark.parametrize(
    ("place", "text", "n_more"),
    [
        ("x = ‸\ny = 2\n", "1", 0),
        ("x = ‸\ny = 2\n", "1 +", 1),  # y would be added to it
        ("def f():\n    ‸\n    g()\n", "if x:", 1),  # no body
        ("def f():\n    ‸\n        g()\n", "if x:", 0),
        ("def f():\n    a()\n    ‸\n", "    b()", 1),  # too deep
        ("def f():\n    a()\n    ‸\n", "try:\n        b()", 1),
        ("class A:\n    ‸\n    def f(self):\n        pass\n", "@property", 0),
    ],
)
def test_judging(place: str, text: str, n_more: int) -> None:
    found = hole(place)
    judge = Judge(found, closing_placeholder(found))
    assert bool(judge.n_errors(text) - judge.floor) is bool(n_more)


@pytest.mark.parametrize(
    ("source", "n_errors"),
    [
        ("def f():\n    a()\n    b()\n", 0),
        ("def f():\n    a()\n      b()\n", 1),
        ("def f():\n\nx = 1\n", 1),
        ("try:\n    a()\nx = 1\n", 1),
        ("  x = 1\n", 1),
        ("if x: a(); b()\n", 0),
    ],
)
def test_what_pythons_grammar_lets_pass(source: str, n_errors: int) -> None:
    tree = parse("python", source.encode())
    assert tree is not None
    assert not tree.root_node.has_error
    assert count_lax("python", tree.root_node, 0, len(source)) == n_errors
    assert count_lax("java", tree.root_node, 0, len(source)) == 0


@pytest.mark.parametrize(
    ("prefix", "closers"),
    [
        ("f(a, [b", ["]", ")"]),
        ('f("a)", (', [")", ")"]),
        ('x = {"a', ['"', "}"]),
        ('"""text (', ['"""']),
        ("it is (1)", []),
        ("a) }", []),
    ],
)
def test_what_stands_open(prefix: str, closers: list[str]) -> None:
    assert closers_of(prefix.encode()) == closers


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a\n  b\n  c", ["a\n  b", "a"]),
        ("\n  f(a, b) + c(d", ["\n  f(a, b) + c", "\n  f(a, b) +", "\n  f(a, b)", "\n  f"]),
        ("a))", ["a"]),
        ("a", []),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert list(shorter_pieces(text)) == pieces


@pytest.mark.parametrize(
    ("file", "text", "applied"),
    [
        ("if a:\n\tb\n", "x:\n    y\n        z\n  ", "x:\n\ty\n\t\tz\n  "),
        ("if a:\n\tb\n", "x:\n  y\n    z", "x:\n\ty\n\t\tz"),
        ("if a:\n    b\n", "x:\n\ty\n\t\tz", "x:\n    y\n        z"),
        ("if a:\n  b\n", "x:\n\ty", "x:\n  y"),
        ("a\n", "x:\n\ty", "x:\n\ty"),
        ("if a:\n\tb\nif c:\n    d\n", "x:\n    y", "x:\n    y"),  # a file that mixes both
        ("if a:\n\tb\n", "    x", "    x"),  # the rest of a line
    ],
)
def test_indentation(file: str, text: str, applied: str) -> None:
    assert Indentation.of(file).applied(text) == applied


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\nb()\nb()\nb()", "a\nb()"),
        ("a\nb\na\nb\na\nb", "a\nb"),
        ("a\nb\nb", None),
        ("}\n}\n}", None),  # mere brackets
        ("  }}\n }}\n}}", None),
    ],
)
def test_lines_again_and_again(text: str, kept: str | None) -> None:
    loop = line_loop(text)
    assert (None if loop is None else text[:loop]) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("x = " + "ab, " * 30, "x = ab, "), ("# " + "-" * 78, None), ("# " + "-" * 200, "# -"), ("[0, 0, 0, 0]", None)],
)
def test_words_again_and_again(text: str, kept: str | None) -> None:
    loop = word_loop(text)
    assert (None if loop is None else text[:loop]) == kept


@pytest.mark.parametrize(
    ("head", "text", "below", "kept"),
    [
        ("    ", "return x", ["    return x"], ""),
        ("  ", "return x", ["    return x"], None),
        ("", "a\nreturn x", ["return x", "b"], "a\n"),
        ("", "a\n  b()\n  c()", ["    b()", "    c()"], "a\n"),
        ("", "}\n}", ["  }", "  }"], None),
        ("x", "\n", ["x"], None),
        ("x = 1", "\ny", ["x = 1", "y"], None),  # what stands before the cursor is no repetition
    ],
)
def test_lines_that_are_below(head: str, text: str, below: list[str], kept: str | None) -> None:
    at = repeated_lines(head, text, below)
    assert (None if at is None else text[:at]) == kept


@pytest.mark.parametrize(
    ("text", "rest", "kept"), [("a, b)", ")", "a, b"), ("x + y", " + y)", "x"), ("a", "b", None), ("x, ", ", y", "x")]
)
def test_the_rest_of_the_line_again(text: str, rest: str, kept: str | None) -> None:
    at = repeated_rest(text, rest)
    assert (None if at is None else text[:at]) == kept


@pytest.mark.parametrize(
    ("is_extra", "logprob", "min_logprob", "is_shown"),
    [
        (False, log(0.1), None, True),
        (False, log(0.1), -1.0, False),
        (False, log(0.9), -1.0, True),
        (True, MIN_EXTRA_LOGPROB - 0.01, None, False),
        (True, MIN_EXTRA_LOGPROB + 0.01, -1.0, True),
    ],
)
def test_only_a_sure_model_is_heard(is_extra: bool, logprob: float, min_logprob: float | None, is_shown: bool) -> None:
    ended = Ended("x", StopReason.STRUCTURE, is_extra=is_extra)
    completion = completion_of(ended, [logprob] * 3, min_logprob)
    shown, unsure = ("x", StopReason.STRUCTURE), ("", StopReason.UNSURE)
    assert (completion.text, completion.stop_reason) == (shown if is_shown else unsure)
    assert completion_of(ended, [], min_logprob).text == "x", "an endpoint that gives no log-probabilities"


@pytest.mark.parametrize(
    ("language", "completion", "adds"),
    [("python", "1", False), ("python", "1)", True), ("java", "", False), ("toml", ")))", False), ("", ")", False)],
)
def test_adding_an_error(language: str, completion: str, adds: bool) -> None:
    assert adds_syntax_error(language, "x = ", completion, "\ny = 1\n") is adds


@pytest.mark.parametrize(
    ("place", "language", "is_sure"),
    [
        ("x = ‸f()\n", "python", True),
        ("pri‸nt()\n", "python", True),
        ("x = f(‸ y)\n", "python", False),
        ("x = f(‸\n", "python", False),
        ("f(a‸ b)\n", "python", False),
        ("if ‸x\n", "python", False),  # broken anyway: what is missing is not known
        ("x = ‸f\n", "", False),
    ],
)
def test_where_nothing_is_needed(place: str, language: str, is_sure: bool) -> None:
    prefix, _, suffix = place.partition("‸")
    assert needs_nothing(Cursor("", language, prefix, suffix)) is is_sure
