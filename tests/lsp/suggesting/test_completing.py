"""What a request costs: nothing where the answer is known or on its way, and what is done ahead of the user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_context.retrieval.retriever import Retrieved
from midfill_lsp.documents import Document, DocumentStore, Edit
from midfill_lsp.settings import Settings
from midfill_lsp.suggesting import prefetching
from midfill_lsp.suggesting.completing import Completer
from midfill_lsp.suggesting.explanation import Answer
from midfill_lsp.suggesting.suggestion import Place
from midfill_model.engine import CompletionRequest, Priority, StopReason
from scripted_engine import Held, HeldEngine

URI = "file:///project/a.py"
OTHER = "file:///project/b.py"
SNIPPET = Snippet(Chunk("b.py", 1, 1, "def foo(a): ..."), 1.0, "defined there")


class Editor:
    """Types into documents and asks, as an editor does; `|` marks the cursor."""

    def __init__(self, retrieve: Callable[[str, Cursor], Awaitable[Retrieved | None]] | None = None) -> None:
        self.documents = DocumentStore()
        self.engine = HeldEngine()
        self.completer = Completer(self.documents, retrieve)
        self.settings = Settings()
        self._version = 0

    def has(self, marked: str, uri: str = URI) -> Place:
        """The document has this text now."""
        text = marked.replace("|", "")
        self._version += 1
        if self.documents.find(uri) is None:
            self.documents.open(Document.from_text(uri, "python", self._version, text))
        else:
            self.documents.change(uri, self._version, [Edit(text)], "utf-16")
        document = self.documents.find(uri)
        assert document is not None
        self.completer.edited(document)
        return Place(document, marked.index("|"), ())

    async def asks(self, marked: str, uri: str = URI) -> asyncio.Task[Answer | None]:
        """Type and ask; what happens at once has happened when this returns."""
        request = asyncio.create_task(self.completer.suggest(self.engine, self.settings, self.has(marked, uri)))
        await settle()
        return request

    @property
    def typed(self) -> list[Held]:
        return [held for held in self.engine.held if held.request.priority is Priority.TYPED]

    @property
    def ahead(self) -> list[Held]:
        return [held for held in self.engine.held if held.request.priority is Priority.BACKGROUND]


@pytest.fixture
async def editor() -> Editor:
    return Editor()


async def settle() -> None:
    """Everything that waits for nothing from outside has been done afterwards."""
    for _ in range(20):
        await asyncio.sleep(0)


async def text_of(request: asyncio.Task[Answer | None]) -> str | None:
    answer = await asyncio.wait_for(request, 10)
    return answer.suggestion.text if answer and answer.suggestion else None


def is_cancelled(held: Held) -> bool:
    return held.future.cancelled()


# What is known


async def test_typing_through_and_deleting_ask_no_model(editor: Editor) -> None:
    request = await editor.asks("x = |\n")
    editor.typed[0].end("foo(a)")
    assert await text_of(request) == "foo(a)"
    for marked, shown in [("x = f|\n", "oo(a)"), ("x = foo(|)\n", "a"), ("x = |\n", "foo(a)")]:
        assert await text_of(await editor.asks(marked)) == shown
        assert editor.completer.explanation(URI).why == "known from an earlier request"
    assert len(editor.typed) == 1


async def test_that_there_is_nothing_is_remembered_too(editor: Editor) -> None:
    request = await editor.asks("x = 1|\n")
    editor.typed[0].end("", StopReason.NOTHING_NEEDED)
    assert await text_of(request) is None
    assert await text_of(await editor.asks("x = 1|\n")) is None
    assert editor.completer.explanation(URI).why == "an earlier request here found nothing"


@pytest.mark.parametrize(
    "stop_reason",
    [StopReason.DEADLINE, StopReason.NO_VALID_CUT, StopReason.ENGINE_FAILED, StopReason.CANCELLED, StopReason.LOADING],
)
async def test_what_may_come_out_otherwise_is_asked_again(editor: Editor, stop_reason: StopReason) -> None:
    for number in range(2):
        request = await editor.asks("x = |\n")
        editor.typed[number].end("", stop_reason)
        assert await text_of(request) is None


async def test_what_came_too_late_for_its_document_is_there_for_the_next_request(editor: Editor) -> None:
    request = await editor.asks("x = |\n")
    editor.typed[0].write("foo")
    editor.has("x = f|\n")
    editor.typed[0].end("foo(a)")
    assert await text_of(request) is None
    assert editor.completer.explanation(URI).why == "the document changed meanwhile"
    assert await text_of(await editor.asks("x = f|\n")) == "oo(a)"
    assert len(editor.typed) == 1


# What is on its way


@pytest.mark.parametrize("written", ["f", "foo", "foo(a)"])
async def test_what_agrees_with_the_typing_is_kept(editor: Editor, written: str) -> None:
    older = await editor.asks("x = |\n")
    editor.typed[0].write(written)
    await settle()
    newer = await editor.asks("x = fo|\n")
    assert await text_of(older) is None
    assert len(editor.typed) == 1
    editor.typed[0].end("foo(a)")
    assert await text_of(newer) == "o(a)"
    assert editor.completer.explanation(URI).is_reused
    assert editor.completer.explanation(URI).stop_reason is StopReason.LINE


async def test_it_is_kept_where_the_editor_closes_brackets(editor: Editor) -> None:
    await editor.asks("x = |\n")
    editor.typed[0].write("foo(")
    await settle()
    newer = await editor.asks("x = foo(|)\n")
    editor.typed[0].end("foo(a, b)")
    assert await text_of(newer) == "a, b"
    assert len(editor.typed) == 1


async def test_the_same_place_again_is_the_same_request(editor: Editor) -> None:
    older, newer = await editor.asks("x = |\n"), await editor.asks("x = |\n")
    editor.typed[0].end("foo(a)")
    assert (await text_of(older), await text_of(newer)) == (None, "foo(a)")
    assert len(editor.typed) == 1


@pytest.mark.parametrize("first", ["typed", "written"])
async def test_what_disagrees_with_the_typing_is_ended_at_once(editor: Editor, first: str) -> None:
    """Before the editor asks anew."""
    request = await editor.asks("x = |\n")
    if first == "typed":
        editor.has("x = b|\n")
        assert not is_cancelled(editor.typed[0])
    editor.typed[0].write("foo")
    await settle()
    if first == "written":
        assert not is_cancelled(editor.typed[0])
        editor.has("x = b|\n")
    await settle()
    assert is_cancelled(editor.typed[0])
    assert await text_of(request) is None


@pytest.mark.parametrize("now", ["y = 1\nx = |\n", "x =|\n", "x = |"])
async def test_an_edit_elsewhere_ends_it(editor: Editor, now: str) -> None:
    await editor.asks("x = |\n")
    editor.has(now)
    await settle()
    assert is_cancelled(editor.typed[0])


async def test_going_elsewhere_without_an_edit_ends_it(editor: Editor) -> None:
    await editor.asks("x = |\ny = \n")
    editor.typed[0].write("foo")
    newer = await editor.asks("x = \ny = |\n")
    assert is_cancelled(editor.typed[0])
    editor.typed[1].end("bar")
    assert await text_of(newer) == "bar"


async def test_without_text_a_newer_request_is_asked_at_once(editor: Editor) -> None:
    """The engine itself ends the older one, and keeps what was read of its prompt."""
    await editor.asks("x = |\n")
    newer = await editor.asks("x = f|\n")
    assert [held.request.cursor.prefix for held in editor.typed] == ["x = ", "x = f"]
    editor.typed[1].end("oo(a)")
    assert await text_of(newer) == "oo(a)"


async def test_what_turns_out_otherwise_is_asked_for(editor: Editor) -> None:
    """The completion was cut back behind what was typed."""
    await editor.asks("x = |\n")
    editor.typed[0].write("foo(a)")
    await settle()
    newer = await editor.asks("x = foo|\n")
    editor.typed[0].end("fo")
    await settle()
    editor.typed[1].end("d")
    assert await text_of(newer) == "d"


async def test_a_cancel_ends_it(editor: Editor) -> None:
    request = await editor.asks("x = |\n")
    request.cancel()
    await settle()
    assert is_cancelled(editor.typed[0])
    assert editor.completer.explanation(URI).why == "the editor cancelled the request"


async def test_a_cancel_because_the_user_typed_on_does_not(editor: Editor) -> None:
    """VS Code cancels before it asks anew."""
    older = await editor.asks("x = |\n")
    editor.typed[0].write("foo")
    editor.has("x = f|\n")
    older.cancel()
    await settle()
    newer = await editor.asks("x = f|\n")
    editor.typed[0].end("foo(a)")
    assert await text_of(newer) == "oo(a)"


async def test_closing_a_document_ends_all_that_is_done_for_it(editor: Editor) -> None:
    request = await editor.asks("x = |\n")
    editor.documents.close(URI)
    editor.completer.forget(URI)
    await settle()
    assert is_cancelled(editor.typed[0])
    assert await text_of(request) is None


# What is done ahead


async def shown(editor: Editor, marked: str, text: str) -> None:
    """The user has a suggestion before them."""
    request = await editor.asks(marked)
    editor.typed[-1].end(text)
    assert await text_of(request) == text


async def test_what_follows_the_suggestion_is_known_when_it_is_accepted(editor: Editor) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    [prefetch] = editor.ahead
    assert prefetch.request.cursor == Cursor("a.py", "python", "x = foo(a)", "\n")
    prefetch.end("\ny = 2")
    await settle()
    assert await text_of(await editor.asks("x = foo(a)|\n")) == "\ny = 2"
    assert len(editor.typed) == 1
    assert editor.ahead[1].request.cursor.prefix == "x = foo(a)\ny = 2"


async def test_while_the_suggestion_is_typed_through_the_prefetch_goes_on(editor: Editor) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    assert await text_of(await editor.asks("x = f|\n")) == "oo(a)"
    assert len(editor.ahead) == 1
    editor.ahead[0].end("", StopReason.NOTHING_NEEDED)
    assert await text_of(await editor.asks("x = fo|\n")) == "o(a)"
    assert len(editor.ahead) == 1


async def test_a_prefetch_that_is_not_ready_is_waited_for(editor: Editor) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    request = await editor.asks("x = foo(a)|\n")
    editor.ahead[0].end("\ny = 2")
    assert await text_of(request) == "\ny = 2"
    assert len(editor.typed) == 1


async def test_a_prefetch_that_was_superseded_is_asked_for(editor: Editor) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    request = await editor.asks("x = foo(a)|\n")
    editor.ahead[0].end("", StopReason.SUPERSEDED)
    await settle()
    editor.typed[1].end("\ny = 2")
    assert await text_of(request) == "\ny = 2"


@pytest.mark.parametrize("stop_reason", [StopReason.DEADLINE, StopReason.NO_VALID_CUT])
async def test_a_prefetch_that_found_nothing_in_its_time_is_not_asked_for_again(
    editor: Editor, stop_reason: StopReason
) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    request = await editor.asks("x = foo(a)|\n")
    editor.ahead[0].end("", stop_reason)
    assert await text_of(request) is None
    assert len(editor.typed) == 1


async def test_the_prompt_is_read_where_the_cursor_rests(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetching, "REST_S", 0.0)
    for marked in ("x|", "x |", "x =|"):
        editor.completer.rest(editor.engine, editor.settings, editor.has(marked))
    await settle()
    [warm_up] = editor.ahead
    assert (warm_up.request.cursor.prefix, warm_up.request.limits.max_tokens) == ("x =", 0)
    warm_up.end("", StopReason.MAX_TOKENS)
    request = await editor.asks("x =|")
    editor.typed[0].end(" 1")
    assert await text_of(request) == " 1"


async def test_a_request_comes_before_the_rest(editor: Editor) -> None:
    editor.completer.rest(editor.engine, editor.settings, editor.has("x =|"))
    request = await editor.asks("x =|")
    editor.typed[0].end("", StopReason.UNSURE)
    await request
    assert editor.ahead == []


async def test_where_no_prompt_was_read_it_is_read_at_once(editor: Editor) -> None:
    """So that the prompt follows the typing also where nothing is suggested."""
    await shown(editor, "x = |\n", "foo(a)")
    editor.ahead[0].end("", StopReason.NOTHING_NEEDED)
    assert await text_of(await editor.asks("x = foo(a)|\n")) is None
    assert editor.ahead[1].request.limits.max_tokens == 0


async def test_how_sure_the_model_must_be(editor: Editor) -> None:
    """The model's own threshold holds unless the user sets another; a better answer may come once it is lowered."""
    await shown(editor, "x = |\n", "foo(a)")
    assert {held.request.min_logprob for held in editor.engine.held} == {None}
    editor.settings = Settings(min_logprob=-0.5)
    await shown(editor, "y = |\n", "bar")
    assert editor.typed[-1].request.min_logprob == -0.5


# Snippets


async def test_snippets_go_into_requests_prefetches_and_explanations() -> None:
    async def retrieve(uri: str, cursor: Cursor) -> Retrieved | None:
        return Retrieved((SNIPPET,), (9,)) if uri == URI else None

    editor = Editor(retrieve)
    await shown(editor, "x = |\n", "foo(a)")
    assert [held.request.snippets for held in editor.engine.held] == [(SNIPPET,)] * 2
    [told] = editor.completer.explanation(URI).to_wire()["snippets"]
    assert (told["path"], told["why"], told["n_tokens"]) == ("b.py", "defined there", 9)
    await shown(editor, "y = |\n", "bar")
    request = await editor.asks("z = |\n", OTHER)
    editor.typed[-1].end("1")
    await request
    assert editor.typed[-1].request.snippets == ()


async def test_an_edit_elsewhere_makes_void_what_was_suggested_with_a_look_at_it() -> None:
    async def retrieve(uri: str, cursor: Cursor) -> Retrieved | None:
        return None

    for editor, n_asked in ((Editor(retrieve), 2), (Editor(), 1)):
        await shown(editor, "x = |\n", "foo(a)")
        editor.has("def foo(b): ...|\n", OTHER)
        request = await editor.asks("x = |\n")
        assert len(editor.typed) == n_asked
        request.cancel()


async def test_a_retrieval_that_fails_costs_the_snippets_only(caplog: pytest.LogCaptureFixture) -> None:
    async def retrieve(uri: str, cursor: Cursor) -> Retrieved | None:
        raise ValueError(cursor.prefix)

    editor = Editor(retrieve)
    await shown(editor, "secret = |\n", "foo(a)")
    assert "no snippets" in caplog.text
    assert "secret" not in caplog.text


# Settings


async def test_other_settings_ask_anew(editor: Editor) -> None:
    await shown(editor, "x = |\n", "foo(a)")
    editor.settings = Settings(max_tokens=7)
    await editor.asks("x = |\n")
    requests: list[CompletionRequest] = [held.request for held in editor.typed]
    assert [request.limits.max_tokens for request in requests] == [48, 7]
