"""BLEU-4 and CodeBLEU: by hand, by their limits, and by figures that the paper printed."""

from __future__ import annotations

import math

import pytest

from midfill_training.evaluation.metrics.bleu import bleu4
from midfill_training.evaluation.metrics.code_bleu import code_bleu
from midfill_training.evaluation.metrics.code_text import has_error, identifiers, keywords
from midfill_training.evaluation.metrics.data_flow import data_flow

LANGUAGES = ("c", "cpp", "csharp", "go", "java", "javascript", "python", "rust", "typescript")


@pytest.mark.parametrize(
    ("written", "reference", "wanted"),
    [
        ("a b c d e", "a b c d e", 1.0),
        ("", "", 1.0),
        ("a", "", 0.0),
        ("", "a", 0.0),
        ("x", "x y", math.exp(1 - 2) * 0.0),  # no bigram, and nothing is smoothed
        ("a b c d x", "a b c d e", (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
        ("f(x) + 1", "f(x)", (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25),  # 13a takes brackets apart
        ("return x", "return", 1 / 2),  # one token: unigrams alone
    ],
)
def test_bleu(written: str, reference: str, wanted: float) -> None:
    assert bleu4(written, reference) == pytest.approx(wanted, abs=1e-9)


def test_code_bleu_of_the_empty_scenario_is_the_papers() -> None:
    """With EM 95.0 the paper has CodeBLEU 48.7, with 89.4 47.4 and with 97.2 49.3: a right answer is worth half, a
    wrong one the quarter of its missing data flow."""
    right, wrong = code_bleu("java", "", "").score, code_bleu("java", "return x;", "").score
    assert (right, wrong) == (0.5, 0.25)
    for exact, printed in ((0.950, 0.487), (0.894, 0.474), (0.972, 0.493)):
        assert exact * right + (1 - exact) * wrong == pytest.approx(printed, abs=1e-3)


def test_the_four_parts_by_hand() -> None:
    found = code_bleu("python", "y = a + 1\nreturn y", "x = a + 1\nreturn x")
    # 7 words, the 5 in the middle are the same
    assert found.n_gram == pytest.approx((5 / 7 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25)
    # `return` weighs 1, the other six 0.2: 1.8 of 2.2
    assert found.weighted_n_gram == pytest.approx((1.8 / 2.2 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25)
    assert found.syntax == 1  # names are no part of a tree
    assert found.data_flow == 1  # nor of its data flow


def test_what_is_shorter_pays() -> None:
    found = code_bleu("python", "a b c d", "a b c d e f g h")
    assert found.n_gram == pytest.approx(math.exp(1 - 8 / 4))
    assert code_bleu("python", "a b c d e f g h", "a b c d").n_gram < 1


def test_syntax_is_the_share_of_the_references_trees() -> None:
    """The module, its statement and the call are three trees with children, one of them is there; leaves are none."""
    found = code_bleu("python", "x", "f(y)")
    assert found.syntax == 0
    assert code_bleu("python", "f(1)\ng(y)", "g(y)").syntax == pytest.approx(3 / 4)


def test_comments_do_not_count() -> None:
    plain, commented = "x = 1\ny = x\n", "x = 1  # one\ny = x\n"
    assert code_bleu("python", commented, plain).syntax == 1
    assert code_bleu("java", "/* one */ f();", "f(); // two").syntax == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_have_keywords_and_trees(language: str) -> None:
    assert {"return", "for"} <= keywords(language)
    assert code_bleu(language, "f(x);", "f(x);").syntax == 1


def test_dialects_share_their_words() -> None:
    assert keywords("typescriptreact") == keywords("typescript")
    assert keywords("brainfuck") == frozenset()
    assert code_bleu("brainfuck", "+ +", "+ +").syntax == 0


FLOWS = {
    "python": "a = 1\nb = a + a\nfor c in b:\n    c += a\nf(c, d)",
    "javascript": "let a = 1; let b = a + a; for (const c of b) { c += a } f(c, d)",
    "java": "int a = 1; int b = a + a; for (int c : b) { c += a; } f(c, d);",
    "cpp": "int a = 1; int b = a + a; for (int c : b) { c += a; } f(c, d);",
    "go": "a := 1\nb := a + a\nfor c := range b { c += a }\nf(c, d)",
    "rust": "let a = 1; let b = a + a; for c in b { c += a; } f(c, d);",
}


WRAPPED = {"go": "package p\nfunc w() {\n%s\n}", "rust": "fn w() { %s }", "cpp": "void w() { %s }"}


@pytest.mark.parametrize("language", FLOWS)
def test_data_flow_is_the_same_in_all_languages(language: str) -> None:
    """0 is the literal, 1 to 3 are a, b and c; the call's `f` and `d` come from nowhere and go nowhere."""
    assert data_flow(language, WRAPPED.get(language, "%s").replace("%s", FLOWS[language])) == [
        (1, "computedFrom", (0,)),
        (0, "comesFrom", ()),
        (2, "computedFrom", (1, 1)),
        (1, "comesFrom", (1,)),
        (1, "comesFrom", (1,)),
        (3, "computedFrom", (2,)),
        (2, "comesFrom", (2,)),
        (3, "computedFrom", (1,)),
        (1, "comesFrom", (1,)),
        (3, "comesFrom", (3,)),
    ]


def test_operators_and_keyword_arguments_write_nothing() -> None:
    assert data_flow("python", "a + b\nf(c=d)\n") == []


def test_what_is_nested_without_end_has_no_data_flow() -> None:
    deep = "x = " + "(" * 3000 + ")" * 3000
    assert data_flow("python", deep) == []
    assert code_bleu("python", deep, "x = 1").score < 0.5
    assert has_error("python", deep + "(")


def test_identifiers() -> None:
    assert identifiers("python", 'for x in f(\'y\', "z\\"w", _a1, 2b): pass') == ["x", "f", "_a1"]


@pytest.mark.parametrize(
    ("language", "code", "is_wrong"),
    [
        ("python", "f(a)", False),
        ("python", "f(a", True),
        ("python", "f(a))", True),
        ("java", "int f() { return 1 }", False),
    ],
)
def test_has_error_forgives_what_is_only_missing(language: str, code: str, is_wrong: bool) -> None:
    assert has_error(language, code) is is_wrong
