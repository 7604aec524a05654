"""The harness is right: who knows the answers gets all, who says nothing gets what nothing is worth, by suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_model.engine import Ending
from midfill_training.evaluation.cases import Case, read_cases
from midfill_training.evaluation.evaluation import Evaluated, check
from midfill_training.evaluation.programs import can_run, outputs
from midfill_training.evaluation.runs import Run
from midfill_training.evaluation.suites import crosscodeeval, fim_eval, humaneval_infilling, safim, santacoder_fim
from midfill_training.evaluation.suites.safim_cuts import cut
from midfill_training.evaluation.suites.table import SUITES
from midfill_training.evaluation.summary import ALL

DATA = Path(__file__).parent / "data"
SERVED, RAW = Run(), Run(Ending.RAW)


def cases(suite: str) -> dict[str, Case]:
    found = SUITES[suite]
    return {case.id: case for case in read_cases(DATA / f"{suite}.jsonl", found.fields, found.case_of)}


def shares(done: Evaluated, run: str, group: str = ALL) -> dict[str, float]:
    line = next(line for line in done.lines if (line.run, line.group) == (run, group))
    return {metric: round(found.value, 4) for metric, found in line.shares.items()}


@pytest.fixture(scope="module", params=SUITES)
def checked(request: pytest.FixtureRequest) -> tuple[str, Evaluated, Evaluated]:
    """A suite's name, its canonical answers judged, and empty ones."""
    canonical, empty = check(SUITES[request.param], DATA / f"{request.param}.jsonl")
    return request.param, canonical, empty


def test_canonical_answers_are_all_right(checked: tuple[str, Evaluated, Evaluated]) -> None:
    name, canonical, _ = checked
    for line in canonical.lines:
        assert line.shares[SUITES[name].metrics[0]].value == 1, line
        assert line.length_ratio is None or line.length_ratio.value == 1
        for metric in set(SUITES[name].metrics) & set(line.shares) - {fim_eval.CODE_BLEU}:
            assert line.shares[metric].value == 1, (line.run, line.group, metric)


NOTHING = {
    # a third of the problems' lines can be left out: `prices = list(prices)`
    "humaneval-infilling": {"pass@1": 0.25},
    "santacoder-fim": dict.fromkeys(santacoder_fim.SUITE.metrics, 0.0),
    "crosscodeeval": dict.fromkeys(crosscodeeval.SUITE.metrics, 0.0),
    "safim": dict.fromkeys(safim.SUITE.metrics, 0.0),
    # one of six cases is the empty one; CodeBLEU of nothing is its missing data flow, and half where nothing is right
    "fim-eval": {"EM": 1 / 6, "BLEU-4": 1 / 6, "CodeBLEU": (5 * 0.25 + 0.5) / 6},
}


def test_empty_answers_get_what_nothing_is_worth(checked: tuple[str, Evaluated, Evaluated]) -> None:
    name, _, empty = checked
    for run in {line.run for line in empty.lines}:
        found = shares(empty, run)
        assert {metric: found[metric] for metric in NOTHING[name]} == pytest.approx(NOTHING[name], abs=1e-3)


# ---- SantaCoder-FIM ----

LINE = santacoder_fim.case_of(
    {"name": "a-L1", "language": "py", "prompt": "x = 1", "suffix": "z = 3", "canonical_solution": "    y = 2"}
)
BRACE = santacoder_fim.case_of(
    {"name": "b-L1", "language": "java", "prompt": "{", "suffix": "}", "canonical_solution": "    }"}
)


@pytest.mark.parametrize(
    ("answer", "strict", "first_line"),
    [
        ("\n    y = 2", 1, 1),
        ("\n    y = 2\n", 1, 1),
        ("y = 2", 1, 1),
        ("\n\n  y = 2\n    z = 3", 0, 1),
        ("\n    y = 22", 0, 0),
        ("; y = 2", 0, 0),
        (" # note\n    y = 2", 0, 0),
        ("", 0, 0),
    ],
)
def test_two_protocols_of_one_line(answer: str, strict: float, first_line: float) -> None:
    scores = santacoder_fim.judge(LINE, answer)
    assert (scores["strict"], scores["first line"]) == (strict, first_line)
    assert (scores["strict, braces out"], scores["first line, braces out"]) == (strict, first_line)


def test_braces_count_in_half_of_the_metrics() -> None:
    assert santacoder_fim.judge(BRACE, "\n}") == {"strict": 1, "first line": 1}


def test_the_file_is_prompt_target_suffix_on_lines_of_their_own() -> None:
    assert LINE.cursor == Cursor("main.py", "python", "x = 1\n", "\nz = 3")
    assert LINE.cursor.prefix + LINE.reference + LINE.cursor.suffix == "x = 1\n    y = 2\nz = 3"


# ---- HumanEval-infilling ----


def test_serving_is_asked_on_an_empty_line() -> None:
    """Where the hole is whole lines; the raw protocol is the set's own, to the letter."""
    case = cases("humaneval-infilling")["SingleLineInfilling/Shop/0/L1"]
    served, raw = SERVED.request(case, 9), RAW.request(case, 9)
    assert raw.cursor == case.cursor
    assert served.cursor.suffix == "\n" + case.cursor.suffix
    answer = "        amount += price"
    assert SERVED.filled(case, answer) == answer + "\n" == SERVED.filled(case, answer + "\n")
    assert RAW.filled(case, answer) == answer
    assert humaneval_infilling.judge(case, SERVED.filled(case, answer)) == {"pass@1": 1}
    assert humaneval_infilling.judge(case, RAW.filled(case, answer)) == {"pass@1": 0}, "the lines run together"


def test_spans_are_taken_as_they_are() -> None:
    case = cases("humaneval-infilling")["RandomSpanInfillingLight/Shop/0/1"]
    assert SERVED.request(case, 9).cursor == case.cursor
    assert SERVED.filled(case, case.reference) == case.reference


# ---- CrossCodeEval ----

STATEMENTS = {
    "python, one line": ("python", "x = ", "f(a)\ny = 1\n", "f(a)"),
    "python, over lines": ("python", "x = ", "f(\n  a,\n)\ny = 1\n", "f(\n  a,\n)"),
    "python, trailing blanks": ("python", "x = ", "f(a)  \ny = 1\n", "f(a)"),
    "python, no end": ("python", "x = ", "f(a", "f(a"),
    "python, never parses": ("python", "x = (", "f(a)\ny = 1\n", "f(a)\ny = 1\n"),
    "python, no line end": ("python", "x = ", "f(a)", "f(a)"),
    "java": ("java", "var x = ", "f(a); g();", "f(a);"),
    "typescript block": ("typescript", "if (", "a) { f(); }", "a) {"),
    "csharp, no end": ("csharp", "var x = ", "f(a)", "f(a)"),
    "begins with a bracket": ("java", "f(a)", "; g();", "; g();"),
}


@pytest.mark.parametrize(("language", "prompt", "answer", "wanted"), STATEMENTS.values(), ids=STATEMENTS)
def test_answers_are_cut_to_one_statement(language: str, prompt: str, answer: str, wanted: str) -> None:
    assert crosscodeeval.statement(language, prompt, answer) == wanted


def test_comments_and_blanks_do_not_count() -> None:
    case = cases("crosscodeeval")["shop/2"]
    scores = crosscodeeval.judge(case, "restock(\n  source,  # all of it\n))\n")
    assert scores["EM"] == scores["identifier EM"] == scores["identifier F1"] == 1
    assert scores["ES"] < 1


def test_identifiers_are_neither_keywords_nor_in_strings() -> None:
    case = cases("crosscodeeval")["shop/1"]  # restock(source)
    scores = crosscodeeval.judge(case, "restock(sink, 'source', None)\n")
    assert scores["identifier EM"] == 0
    assert scores["identifier F1"] == pytest.approx(2 * 1 / (2 + 2))
    assert scores["ES"] == pytest.approx(
        2 * len("restock(source)") / len("restock(sink, 'source', None)restock(source)")
    )


def test_chunks_come_as_snippets_where_the_run_has_them() -> None:
    case = cases("crosscodeeval")["shop/1"]
    assert SERVED.request(case, 9).snippets == ()
    (snippet,) = Run(has_snippets=True).request(case, 9).snippets
    assert (snippet.chunk.path, snippet.chunk.last_line, snippet.score) == ("shop/shelf.py", 3, 0.5)


# ---- SAFIM ----

BLOCK = Cursor("main.py", "python", "for x in y:\n    ", "\nprint(x)\n")
BRACES = Cursor("main.cpp", "cpp", "int main() {\n    if (a) {\n        ", "\n    }\n    return 0;\n}\n")
CUTS = {
    "block": ("block", BLOCK, "a(x)\n    b(x)", "a(x)\n    b(x)"),
    "block and more": ("block", BLOCK, "a(x)\n    b(x)\nc(x)", "a(x)\n    b(x)\n"),
    "block and half a line": ("block", BLOCK, "a(x)\n    b(", "a(x)\n"),
    "no block": ("block", BLOCK, ")", ""),
    "braces": ("block", BRACES, "a();\n        b();", "a();\n        b();"),
    "out of the braces": ("block", BRACES, "a();\n    }\n    if (b) {", "a();\n"),
    "control, python": ("control", BLOCK, "\n_ in range(3):\n    pass", "_ in range(3):"),
    "control, brackets": ("control", BRACES, "int i = f(0); i < n; i++) {\n", "int i = f(0); i < n; i++"),
    "control, whole": ("control", BRACES, "i < n", "i < n"),
    "call": ("api", BLOCK, "f(g(1), (2)).h()", "f(g(1), (2))"),
    "no call": ("api", BLOCK, "f", "f"),
}


@pytest.mark.parametrize(("kind", "cursor", "answer", "wanted"), CUTS.values(), ids=CUTS)
def test_cuts(kind: str, cursor: Cursor, answer: str, wanted: str) -> None:
    assert cut(kind, cursor, answer) == wanted


@pytest.mark.parametrize(
    ("language", "one", "other", "is_same"),
    [
        ("java", "f(a, b)", "f(a,b)", True),
        ("java", "f(a, b)", "f(b, a)", False),
        ("python", "f(1, a=2, b=3)", "f(1, b=3, a=2)", True),
        ("python", "f(1, a=2)", "g(1, a=2)", False),
        ("python", "f('a')", 'f("a")', True),
        ("python", "f(1", "f( 1", True),
        ("python", "f(1", "f(1)", False),
    ],
)
def test_calls_are_compared_as_trees(language: str, one: str, other: str, is_same: bool) -> None:
    assert safim.is_same_call(language, one, other) is is_same


def test_what_is_right_in_other_words_passes_its_tests() -> None:
    case = cases("safim")["control_completion_000003"]
    assert safim.judge(case, "int k = n; k > 0; --k") == {"pass@1": 1, "pass@1, cut": 1}
    assert safim.judge(case, "int k = n; k > 0; --k) { continue;") == {"pass@1": 0, "pass@1, cut": 1}
    assert safim.judge(case, "int k = n; k > 1; --k") == {"pass@1": 0, "pass@1, cut": 0}


def test_line_ends_of_windows_are_none_for_the_model() -> None:
    case = cases("safim")["control_completion_000003"]
    assert "\r" not in case.cursor.prefix + case.cursor.suffix + case.reference


def test_a_language_without_a_compiler_gets_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: None)
    case = cases("safim")["control_completion_000003"]
    assert safim.judge(case, case.reference) == {}


HELLO = {
    "python": "print(int(input()) + 1)",
    "cpp": "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << n + 1; }",
    "java": "class Main { public static void main(String[] a) {"
    " System.out.println(new java.util.Scanner(System.in).nextInt() + 1); } }",
}


@pytest.mark.parametrize("language", HELLO)
def test_programs_run_in_the_languages_that_are_here(language: str) -> None:
    if not can_run(language):
        pytest.skip(f"no compiler of {language}")
    written = list(outputs(language, HELLO[language], ["1\n", "2\n"]))
    assert [text and text.strip() for text in written] == ["2", "3"]
    assert list(outputs(language, "no program", ["1\n"])) == [None]


# ---- FIM-Eval ----


def test_answers_are_compared_stripped() -> None:
    case = cases("fim-eval")
    single = next(each for each in case.values() if each.group == "python, single_line")
    assert fim_eval.judge(single, f"\n   {single.reference} \n")["EM"] == 1
    assert fim_eval.judge(single, single.reference + " + 1")["EM"] == 0
