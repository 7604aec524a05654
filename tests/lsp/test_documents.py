"""Edits of documents, and what they cost."""

from __future__ import annotations

import logging
import time

import pytest

from midfill_lsp.documents import Document, DocumentStore, Edit

URI = "file:///project/a.py"


def document(text: str) -> Document:
    return Document.from_text(URI, "python", 1, text)


@pytest.mark.parametrize(
    ("before", "span", "text", "after"),
    [
        pytest.param("a\fb\nc", ((1, 0), (1, 0)), "X", "a\fb\nXc", id="behind a form feed"),
        pytest.param("abc", ((0, 99), (0, 99)), "X", "abcX", id="column past the last line's end"),
        pytest.param("a\nb", ((0, 99), (0, 99)), "X", "aX\nb", id="column past a line's end"),
        pytest.param("a", ((7, 3), (9, 9)), "X", "aX", id="line past the end"),
        pytest.param("", ((0, 0), (0, 0)), "a\n", "a\n", id="into nothing"),
        pytest.param("a\n", ((1, 0), (1, 0)), "b", "a\nb", id="on the empty last line"),
        pytest.param("a\r\nb", ((0, 1), (1, 0)), "", "ab", id="over a CRLF"),
        pytest.param("a\rb", ((1, 0), (1, 0)), "\n", "a\r\nb", id="a line feed behind a return"),
        pytest.param("a\rxb\nc", ((1, 0), (1, 2)), "", "a\r\nc", id="a line feed moves up to a return"),
        pytest.param("a\nb", ((0, 1), (0, 1)), "\r", "a\r\nb", id="a return before a line feed"),
        pytest.param("abc", ((0, 2), (0, 1)), "X", "aXc", id="backwards"),
    ],
)
def test_edit(before: str, span: tuple[tuple[int, int], tuple[int, int]], text: str, after: str) -> None:
    edited = document(before).edited([Edit(text, span)], 2, "utf-16")
    assert edited.text == after
    assert edited.lines == document(after).lines
    assert edited.version == 2


def test_each_edit_counts_in_what_the_one_before_left() -> None:
    edits = [Edit("12\n", ((0, 0), (0, 0))), Edit("3", ((1, 0), (1, 1))), Edit("x\n"), Edit("y", ((1, 0), (1, 0)))]
    assert document("ab").edited(edits[:2], 2, "utf-8").text == "12\n3b"
    assert document("ab").edited(edits, 2, "utf-8").text == "x\ny"


def test_a_lone_surrogate_keeps_its_place_and_can_be_encoded() -> None:
    edited = document("a\ud800b").edited([Edit("\udc00", ((0, 2), (0, 2)))], 2, "utf-16")
    assert edited.text == "a\ufffd\ufffdb"


def test_an_edit_leaves_the_older_version_alone() -> None:
    older = document("ab\n")
    older.edited([Edit("X", ((0, 1), (1, 0)))], 2, "utf-16")
    assert (older.text, older.version) == ("ab\n", 1)


@pytest.mark.parametrize(("text", "line_end"), [("a\r\nb\n", "\r\n"), ("a\rb", "\r"), ("a\nb\r\n", "\n"), ("a", "\n")])
def test_the_line_end_of_a_document_is_that_of_its_first_line(text: str, line_end: str) -> None:
    assert document(text).line_end == line_end


def test_typing_into_5000_lines_costs_little() -> None:
    current = document("".join(f"    value_{number} = compute({number})\n" for number in range(5000)))
    started = time.perf_counter()
    for keystroke in range(200):
        current = current.edited([Edit("x", ((2500, keystroke), (2500, keystroke)))], keystroke, "utf-16")
    # 0.02 ms each where this was written; splitting the text again would take fifty times as long.
    assert (time.perf_counter() - started) / 200 < 0.002
    assert current.lines[2500].startswith("x" * 200)


def test_replacing_in_every_line_at_once_costs_little() -> None:
    current = document("é = 1\n" * 5000)
    edits = [Edit("22", ((line, 4), (line, 5))) for line in range(5000)]
    started = time.perf_counter()
    assert current.edited(edits, 2, "utf-16").text == "é = 22\n" * 5000
    assert time.perf_counter() - started < 1


def test_the_store_follows_open_change_close(caplog: pytest.LogCaptureFixture) -> None:
    documents = DocumentStore()
    documents.open(document("a"))
    documents.change(URI, 2, [Edit("b", ((0, 1), (0, 1)))], "utf-16")
    found = documents.find(URI)
    assert found is not None
    assert found.text == "ab"
    documents.close(URI)
    assert documents.find(URI) is None
    with caplog.at_level(logging.WARNING):
        documents.change(URI, 3, [Edit("secret")], "utf-16")
        documents.close(URI)
    assert len(caplog.records) == 2
    assert "secret" not in caplog.text
