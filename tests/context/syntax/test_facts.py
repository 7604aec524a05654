"""Facts of whole files: stored and loaded again, and whatever is in the file."""

from __future__ import annotations

import pickle
import sysconfig
import time
from pathlib import Path

import pytest

from midfill_context.languages import languages
from midfill_context.syntax.facts import FileFacts, Limits, read_facts
from midfill_context.syntax.grammars import parse
from midfill_context.syntax.queries import language_query
from midfill_context.syntax.stored_facts import from_bytes, to_bytes

STDLIB = Path(sysconfig.get_path("stdlib"))
WITH_GRAMMAR = [row.id for row in languages() if row.grammar]


def test_identifiers_are_words_of_the_code() -> None:
    code = b"def total(items):  # comment words\n    return sum(items, start='string')"
    assert read_facts("python", code).identifiers == {"items": 2, "total": 1, "sum": 1, "start": 1}


def test_the_most_frequent_identifiers_are_kept() -> None:
    code = b"a; b; b; c; c; c"
    assert read_facts("python", code, limits=Limits(max_identifiers=2)).identifiers == {"c": 3, "b": 2}


def test_a_language_without_a_grammar_has_words_and_chunks() -> None:
    facts = read_facts("swift", b"let total = total + 1\n")
    assert facts == FileFacts("swift", identifiers={"total": 2, "let": 1}, chunks=((1, 1),))


def test_parsing_is_given_up_after_a_time() -> None:
    source = b'"""a' * 100_000
    assert parse("python", source, max_seconds=0.01) is None
    assert parse("python", b"x = 1\n" * 10_000, max_seconds=60) is not None


def test_a_given_tree_is_not_parsed_again() -> None:
    source = b"def f(): pass"
    assert read_facts("python", source, parse("python", source)) == read_facts("python", source)


@pytest.mark.parametrize("language", WITH_GRAMMAR)
def test_every_grammar_has_queries(language: str) -> None:
    query = language_query(language)
    assert query is not None
    assert query.settings


@pytest.mark.parametrize("language", [*WITH_GRAMMAR, "", "markdown"])
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\n", id="blank"),
        pytest.param(b"\xff\xfe\x80 caf\xe9 = 1\nimport \xff\n", id="not UTF-8"),
        pytest.param(bytes(range(256)) * 20, id="binary"),
        pytest.param(b"x = " + b"(" * 10_000 + b"1" + b")" * 10_000, id="nested parentheses"),
        pytest.param(b"{" * 10_000, id="open braces"),
        pytest.param(b"f(function() {" * 2_000, id="open functions"),
        pytest.param(b"\r\n".join([b"x = 1", b"y = 2"]), id="CRLF"),
    ],
)
def test_any_bytes_have_facts(language: str, source: bytes) -> None:
    facts = read_facts(language, source)
    assert from_bytes(to_bytes(facts)) == facts
    assert all(isinstance(word, str) for word in facts.identifiers)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"x = foo(1, 2)\n" * 200_000, id="200,000 lines"),
        pytest.param(b'"""a' * 100_000, id="strings that never end"),
        pytest.param(b"import {" + b", ".join(b"a%d" % n for n in range(20_000)) + b"} from 'm'", id="20,000 names"),
    ],
)
@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_monstrous_file_takes_seconds_at_most(language: str, source: bytes) -> None:
    """The CPU time; on an idle machine it is 1 to 2 s."""
    before = time.thread_time()
    read_facts(language, source)
    assert time.thread_time() - before < 15


def test_the_standard_library_survives_a_round_trip_within_its_bounds() -> None:
    sources = [path.read_bytes() for path in sorted(STDLIB.glob("*.py"))[:60]]
    facts = [read_facts("python", source) for source in sources]
    stored = [to_bytes(known) for known in facts]
    assert [from_bytes(data) for data in stored] == facts
    assert sum(len(known.definitions) for known in facts) > 500
    assert sum(map(len, stored)) / len(stored) < 20_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x05nonsense", id="damaged"),
        pytest.param(to_bytes(FileFacts("python"))[:-5], id="cut short"),
        pytest.param(pickle.dumps({"a": 1}), id="something else"),
        pytest.param(pickle.dumps(Path("x")), id="a foreign class"),
        pytest.param(b"cos\nsystem\n(S'true'\ntR.", id="a call"),
    ],
)
def test_what_is_not_facts_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not facts of a file"):
        from_bytes(data)
