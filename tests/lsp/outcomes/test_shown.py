"""What an editor was given, and what became of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_lsp.documents import Document, DocumentStore, Edit
from midfill_lsp.outcomes import shown, statistics
from midfill_lsp.outcomes.retention import Accepted, Retention
from midfill_lsp.outcomes.shown import ShownSuggestions
from midfill_lsp.outcomes.statistics import Group, Statistics, read_statistics
from midfill_lsp.suggesting.explanation import Answer
from midfill_lsp.suggesting.suggestion import Place, Selected, Suggestion
from midfill_model.engine import StopReason

URI = "file:///project/a.py"


class Editor:
    """Shows suggestions and types; `|` marks the cursor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.documents = DocumentStore()
        self.statistics = Statistics(path)
        self.shown = ShownSuggestions(self.documents, self.statistics)

    def has(self, marked: str) -> Place:
        text = marked.replace("|", "")
        if self.documents.find(URI) is None:
            self.documents.open(Document.from_text(URI, "python", 0, text))
        else:
            self.documents.change(URI, 1, [Edit(text)], "utf-16")
        document = self.documents.find(URI)
        assert document is not None
        self.shown.edited(document)
        return Place(document, marked.index("|"), ())

    def gets(self, marked: str, *texts: str, selected: Selected | None = None, is_reused: bool = False) -> list[str]:
        """What it is answered; returns the ids."""
        suggestions = tuple(Suggestion(text, StopReason.LINE) for text in texts)
        answer = Answer(suggestions, is_reused=is_reused, total_ms=50.0)
        return self.shown.take(replace(self.has(marked), selected=selected), "small", answer)

    def shows(self, marked: str, text: str, *, is_reused: bool = False) -> str:
        [suggestion_id] = self.gets(marked, text, is_reused=is_reused)
        return suggestion_id

    def counts(self) -> Counter[str]:
        """All there is, without the waiting times."""
        self.statistics.close()
        [week] = read_statistics(self.path)
        assert week.group == Group("python", "small")
        return Counter({name: n for name, n in week.counts.items() if not name.startswith("wait")})


@pytest.fixture
async def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.setattr(statistics, "WRITE_S", 0.0)
    monkeypatch.setattr(statistics, "CLOSE_S", 30.0)
    monkeypatch.setattr(shown, "SEEN_S", 0.0)
    return Editor(tmp_path / "statistics.sqlite3")


async def look() -> None:
    """Timers of no time at all have gone off afterwards."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_seen_counts_once_while_it_is_typed_through(editor: Editor) -> None:
    editor.shows("x = |\n", "foo(a)")
    await look()
    editor.shows("x = f|\n", "oo(a)", is_reused=True)
    editor.shows("x = foo(|)\n", "a", is_reused=True)
    await look()
    assert editor.counts() == {"answers": 3, "suggestions": 3, "reused": 2, "shown": 1, "shown_characters": 6}


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lambda editor: editor.has("x = b|\n"), id="something else typed"),
        pytest.param(lambda editor: editor.has("y = 1\nx = |\n"), id="an edit elsewhere"),
        pytest.param(lambda editor: editor.gets("x = |\n"), id="nothing shown any more"),
        pytest.param(lambda editor: editor.shown.forget(URI), id="closed"),
    ],
)
async def test_what_goes_before_anybody_can_read_it_was_not_shown(
    editor: Editor, then: Callable[[Editor], object]
) -> None:
    editor.shows("x = |\n", "foo(a)")
    then(editor)
    await look()
    assert editor.counts()["shown"] == 0


async def test_another_suggestion_is_another_showing(editor: Editor) -> None:
    editor.shows("x = |\n", "foo(a)")
    editor.shows("x = |\n", "bar")
    await look()
    assert editor.counts()["shown_characters"] == 3


@pytest.mark.parametrize(
    ("text", "lengths", "expected"),
    [
        pytest.param("foo(a)", [], {"whole": 1, "characters": 6}, id="whole"),
        pytest.param("a b c", [1, 3], {"word": 2, "whole": 1, "characters": 5}, id="words"),
        pytest.param("a\nb\n", [1], {"line": 1, "whole": 1, "characters": 4}, id="a line"),
        pytest.param("a\nb\n", [2], {"line": 1, "whole": 1, "characters": 4}, id="a line and its end"),
        pytest.param("😀 a", [2], {"word": 1, "whole": 1, "characters": 3}, id="UTF-16"),
        pytest.param("😀😀", [3], {"word": 1, "whole": 1, "characters": 2}, id="half of a surrogate pair"),
        pytest.param("ab", [99], {"line": 1, "whole": 1, "characters": 2}, id="too long"),
        pytest.param("a b", [1, 1, 0], {"word": 1, "whole": 1, "characters": 3}, id="told again"),
    ],
)
async def test_what_is_accepted_was_shown(
    editor: Editor, text: str, lengths: list[int], expected: dict[str, int]
) -> None:
    suggestion_id = editor.shows("x = |\n", text)
    assert all(editor.shown.accept_partial(suggestion_id, length) for length in lengths)
    assert editor.shown.accept(suggestion_id)
    assert not editor.shown.accept(suggestion_id)
    counts = editor.counts()
    assert {name: n for name, n in counts.items() if name.startswith("accepted_")} == {
        f"accepted_{name}": n for name, n in expected.items()
    }
    assert (counts["shown"], counts["accepted"]) == (1, 1)


async def test_what_the_menu_offers_is_not_counted_as_accepted(editor: Editor) -> None:
    [suggestion_id] = editor.gets("x = so|\n", "(a b)", selected=Selected(4, 6, "sorted"))
    for length in (3, 6, 8):
        assert editor.shown.accept_partial(suggestion_id, length)
    counts = editor.counts()
    assert (counts["accepted"], counts["accepted_word"], counts["accepted_characters"]) == (1, 1, 2)


# An editor that tells what it displays


async def test_only_what_is_displayed_counts_once_the_editor_tells(editor: Editor) -> None:
    editor.shown.displayed(editor.shows("x = |\n", "foo(a)"))
    await look()
    editor.shows("x = |\n", "bar")
    await look()
    assert editor.counts()["shown_characters"] == 6


async def test_each_alternative_that_is_looked_at_counts_once(editor: Editor) -> None:
    first, second, _ = editor.gets("x = |\n", "foo(a)", "bar", "unseen")
    for suggestion_id in (first, second, first, second):
        editor.shown.displayed(suggestion_id)
        await look()
    counts = editor.counts()
    assert (counts["suggestions"], counts["shown"], counts["shown_characters"]) == (1, 2, 9)


async def test_an_alternative_that_flits_by_is_not_shown(editor: Editor) -> None:
    first, second = editor.gets("x = |\n", "foo(a)", "bar")
    for suggestion_id in (first, second, first):
        editor.shown.displayed(suggestion_id)
    await look()
    assert editor.counts()["shown_characters"] == 6


async def test_an_alternative_can_be_accepted_unseen(editor: Editor) -> None:
    _, second = editor.gets("x = |\n", "foo(a)", "bar")
    assert editor.shown.accept(second)
    counts = editor.counts()
    assert (counts["shown"], counts["accepted"], counts["accepted_characters"]) == (1, 1, 3)


async def test_what_is_unknown_cannot_be_displayed(editor: Editor) -> None:
    editor.shown.displayed("99")
    editor.shows("x = |\n", "foo(a)")
    await look()
    assert editor.counts()["shown"] == 0


def test_languages_that_a_client_made_up_are_not_kept() -> None:
    document = Document.from_text(URI, "what the user is called", 0, "x")
    assert shown._language_of(document) == "other"


# What is left of it later


@pytest.mark.parametrize(
    ("accepted", "then", "later", "kept"),
    [
        pytest.param("return a", "return a\n", "b\nreturn a\n", 8, id="moved"),
        pytest.param("return a", "return a\n", "if b:\n    return a\n", 8, id="indented"),
        pytest.param("return a", "return a\n", "return b\n", 0, id="changed"),
        pytest.param("return a", "return a\nreturn a\n", "return a\n", 0, id="one of two gone"),
        pytest.param("a = 1\n  b = 2", "a = 1\n  b = 2\n", "a = 1\n", 5, id="one line of two"),
        pytest.param("a = 1", "b = 2\n", "a = 1\n", 5, id="the editor tells of it before the text is there"),
    ],
)
def test_kept(accepted: str, then: str, later: str, kept: int) -> None:
    assert Accepted.from_text(accepted, then).n_kept(later) == kept


async def test_documents_are_looked_at_later(editor: Editor) -> None:
    group = Group("python", "small")
    retention = Retention(editor.documents, editor.statistics, checks_s=(0,))
    editor.has("x = foo(a)|\n")
    retention.watch(group, URI, "foo(a)")
    await look()
    retention.watch(group, URI, "x = foo(a)")
    editor.has("x = |\n")
    await look()
    retention.watch(group, URI, "x =")
    editor.documents.close(URI)
    await look()
    assert editor.counts() == {"checked_characters_0s": 16, "kept_characters_0s": 6}
