"""What each filter does beside finding: which files pass, what a change leaves behind, what settings do."""

from __future__ import annotations

import pickle
from collections.abc import Iterable

import pytest

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters import FILTERS
from midfill_training.corpus.filters.comments import CommentFilter, CommentSettings
from midfill_training.corpus.filters.generated import GeneratedFilter
from midfill_training.corpus.filters.sensitive import SensitiveFilter, SensitiveSettings
from midfill_training.corpus.filters.syntax import SyntaxFilter, SyntaxSettings
from midfill_training.corpus.verdict import Filter, Verdict
from midfill_training.errors import BadInput
from midfill_training.settings import settings_from


def judged(judge: Filter, text: str, language: str = "python", path: str = "a.py") -> Verdict:
    return next(iter(judge([SourceFile("project", path, language, text)])))


def changed(judge: Filter, text: str, language: str = "python") -> str:
    verdict = judged(judge, text, language)
    assert verdict.file is not None
    return verdict.file.text


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_made_from_its_settings_and_travels(name: str) -> None:
    kind = FILTERS[name]
    judge = kind.build(settings_from({}, kind.settings, name))
    files = [
        SourceFile("project", "a.py", "python", "def add(a, b):\n    return a + b\n"),
        SourceFile("project", "notes.md", "markdown", "# Notes\n"),
        SourceFile("project", "empty.py", "python", ""),
        SourceFile("project", "deep/ß.rs", "rust", "fn ß() -> i32 { 1 } // 🌊\n"),
    ]
    verdicts = list(pickle.loads(pickle.dumps(judge))(files))
    assert [verdict.file for verdict in verdicts] == files
    assert not any(verdict.reason for verdict in verdicts)
    assert list(judge([])) == []


# --- sensitive ---


def test_one_value_has_one_placeholder_in_a_file() -> None:
    text = "# ann@invented.org, bob@invented.org, ann@invented.org, 62.40.11.9\n"
    assert changed(SensitiveFilter(), text) == "# <EMAIL>, <EMAIL_2>, <EMAIL>, <IP>\n"


def test_placeholders_have_no_brackets_where_these_are_syntax() -> None:
    assert changed(SensitiveFilter(), "ping 62.40.11.9\n", "bash") == "ping IP\n"
    assert changed(SensitiveFilter(), "const a = <b>ann@invented.org</b>;\n", "javascriptreact").count("<") == 2


def test_findings_and_reason_are_counts() -> None:
    verdict = judged(SensitiveFilter(), "# ann@invented.org bob@invented.org 62.40.11.9\n")
    assert verdict.findings == {"EMAIL": 2, "IP": 1}
    assert verdict.reason == "replaced 2 EMAIL, 1 IP"


def test_only_the_kinds_of_the_settings_are_replaced() -> None:
    text = "# ann@invented.org https://invented.org/a.\n"
    judge = SensitiveFilter(SensitiveSettings(kinds=("urls",)))
    assert changed(judge, text) == "# ann@invented.org <URL>.\n"


def shouted_names(text: str) -> Iterable[tuple[int, int]]:
    at = text.find("ZOE")
    return [(at, at + 3)] if at >= 0 else []


def test_names_are_found_by_any_function() -> None:
    judge = SensitiveFilter(SensitiveSettings(names="builtins:sorted"))  # the spans of "" are none
    assert changed(judge, "") == ""
    judge = SensitiveFilter(SensitiveSettings(names=f"{__name__}:shouted_names"))
    assert changed(judge, "# ZOE was here\n") == "# <NAME> was here\n"
    assert changed(SensitiveFilter(SensitiveSettings(names="")), "# @author Ann Lee\n") == "# @author Ann Lee\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Copyright (c) 2019-2024 Ann Lee <ann@invented.org>", "Copyright (c) 2019-2024 <NAME> <<EMAIL>>"),
        ("Authors: Ann Lee, Bo van Dam and Jean-Luc O'Neil", "Authors: <NAME>, <NAME_2> and <NAME_3>"),
        ("Copyright 2024 Invented Labs Inc.", "Copyright 2024 Invented Labs Inc."),
        ("@author Sums Project Contributors", "@author Sums Project Contributors"),
        ("the author of this file", "the author of this file"),
    ],
)
def test_names_behind_tags(line: str, expected: str) -> None:
    assert changed(SensitiveFilter(), f"# {line}\n") == f"# {expected}\n"


@pytest.mark.parametrize("names", ["no_such_module:f", "os:no_such_function", ":", "os"])
def test_a_finder_that_cannot_be_loaded_is_told(names: str) -> None:
    with pytest.raises(BadInput, match=r"sensitive\.names"):
        SensitiveFilter(SensitiveSettings(names=names))


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(BadInput, match="'ages'; there are secrets, emails"):
        SensitiveFilter(SensitiveSettings(kinds=("ages",)))


# --- comments ---

DEAD = "".join(f"    # total_{i} = add(total_{i}, {i})\n" for i in range(6))
BLOCK = f"def f():\n    a = 1\n\n{DEAD}\n    return a\n"


def test_the_block_goes_with_the_blank_lines_behind_it() -> None:
    judge = CommentFilter(CommentSettings(share=1))
    assert changed(judge, BLOCK) == "def f():\n    a = 1\n\n    return a\n"
    verdict = judged(judge, BLOCK)
    assert verdict.findings == {"blocks": 1, "removed blocks": 1, "removed lines": 6}
    assert verdict.reason == "6 lines of commented-out code removed"


def test_the_proportion_is_kept_and_does_not_depend_on_the_order() -> None:
    texts = [BLOCK.replace("total", f"sum_{i}") for i in range(300)]
    judge = CommentFilter(CommentSettings(share=0.5))
    removed = [changed(judge, text) != text for text in texts]
    assert 0.4 < sum(removed) / len(removed) < 0.6
    assert removed[::-1] == [changed(judge, text) != text for text in reversed(texts)]
    other = CommentFilter(CommentSettings(share=0.5, seed=1))
    assert removed != [changed(other, text) != text for text in texts]


def test_a_block_that_is_left_is_counted() -> None:
    verdict = judged(CommentFilter(CommentSettings(share=0)), BLOCK)
    assert verdict.file is not None
    assert verdict.file.text == BLOCK
    assert verdict.findings == {"blocks": 1}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("rust", "".join(f"/// let a{i} = add(a{i}, 1);\n" for i in range(6)) + "fn f() {}\n"),
        ("java", "class A {\n/**\n" + "".join(f" * int a{i} = 1;\n" for i in range(6)) + " */\nint a;\n}\n"),
        ("python", 'def f():\n    """\n' + "".join(f"    a{i} = 1\n" for i in range(6)) + '    """\n'),
        ("python", "a = [\n" + "".join(f"    {i},  # b{i} = {i}\n" for i in range(6)) + "]\n"),
        ("python", 'a = """\n' + "".join(f"# b{i} = {i}\n" for i in range(6)) + '"""\n'),
        ("markdown", "".join(f"# b{i} = {i}\n" for i in range(6))),
    ],
    ids=["rust doc", "javadoc", "docstring", "ends of lines", "in a string", "no grammar"],
)
def test_what_is_no_block_of_dead_code_stays(language: str, text: str) -> None:
    assert changed(CommentFilter(CommentSettings(share=1)), text, language) == text


# --- syntax ---


def test_languages_without_a_grammar_pass_and_are_counted() -> None:
    verdict = judged(SyntaxFilter(), "(((", "haskell", "a.hs")
    assert verdict.file is not None
    assert verdict.findings == {"no grammar for haskell": 1}


def test_the_first_error_is_told() -> None:
    verdict = judged(SyntaxFilter(), "a = 1\nb = (\n")
    assert verdict.file is None
    assert "first in line 2" in verdict.reason


def test_a_few_macros_pass_in_c_and_many_errors_do_not() -> None:
    function = "int f{}(int a) {{\n    int b = a * 2;\n    return b + 1;\n}}\n"
    good = "".join(function.format(i) for i in range(20))
    assert judged(SyntaxFilter(), f"SUMS_API int * sums(int a) SUMS_PURE(1) {{ return 0; }}\n{good}", "c", "a.c").file
    assert judged(SyntaxFilter(), good.replace("int b = a", "int = = b a"), "c", "a.c").file is None


def test_a_header_of_cpp_is_read_as_such() -> None:
    text = "namespace sums {\ntemplate <typename T>\nclass Sum : public Base<T> {\n public:\n  T a() const;\n};\n}\n"
    assert judged(SyntaxFilter(), text, "c", "sum.h").file
    assert judged(SyntaxFilter(), text, "c", "sum.c").file is None


def test_python_2_passes_when_it_may() -> None:
    assert judged(SyntaxFilter(), "print 'a'\n").reason == "Python 2"
    assert judged(SyntaxFilter(SyntaxSettings(python_2=True)), "print 'a'\n").file


# --- generated ---

CODE = "def add(first, second):\n    total = first + second\n    return total\n\n\n" * 20


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(
            f'"""Tables.\n\nThis file is automatically generated by a.py."""\n{CODE}', "generated", id="docstring"
        ),
        pytest.param(f"#!/usr/bin/python\n\nimport a\n# DO NOT EDIT!\n{CODE}", "do_not_edit", id="behind imports"),
        pytest.param(f'TEMPLATE = """\n# Code generated by sums. DO NOT EDIT.\n"""\n{CODE}', "", id="template"),
        pytest.param(f'"""A tool.\n\nIts files say "Code generated by sums".\n"""\n{CODE}', "", id="says so in words"),
        pytest.param(f"{CODE}# Code generated by sums. DO NOT EDIT.\n", "", id="far from the head"),
        pytest.param(f'A = "{"a word " * 150}"\n{CODE}', "", id="one long line"),
        pytest.param(f'A = b"{chr(92) + "x41"}{(chr(92) + "x9f") * 900}"\n{CODE}', "data", id="escaped bytes"),
    ],
)
def test_marks(text: str, rule: str) -> None:
    verdict = judged(GeneratedFilter(), text)
    assert verdict.findings == ({rule: 1} if rule else {}), verdict
