"""Inline completion as editors meet it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from lsp_client import LspClient, eventually, inline_params, replacement

Launch = Callable[..., LspClient]

INLINE = "textDocument/inlineCompletion"
CANCELLED = -32800
names = map("file:///project/pkg/{}.py".format, itertools.count())


@pytest.fixture(autouse=True)
def _fresh_script(client: LspClient) -> None:
    script = {"text": "scripted()", "delay_ms": 0, "stop_reason": "line", "raises": False, "n_replaced": 0}
    client.command("test.script", {**script, "alternatives": []})


def open_new(client: LspClient, text: str, **options: Any) -> str:
    """Open a document that no other test uses; returns its uri."""
    uri = next(names)
    client.open(uri, text, **options)
    return uri


def n_asked(client: LspClient, uri: str) -> int:
    """How often the engine was asked about a document."""
    n: int = client.command("test.look")["clients"].count(uri)
    return n


def test_the_capability_is_advertised_as_options(launch: Launch) -> None:
    capabilities = launch().initialize()
    assert capabilities["inlineCompletionProvider"] == {}
    assert capabilities["textDocumentSync"] == {"openClose": True, "change": 2, "save": True}
    assert "midfill.accept" in capabilities["executeCommandProvider"]["commands"]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-8", "utf-16", "utf-32"], "utf-8"),
        (["utf-16"], "utf-16"),
        (["utf-7", "utf-32"], "utf-32"),
        (["utf-7"], "utf-16"),
        (None, "utf-16"),
    ],
)
def test_the_range_is_empty_at_the_cursor_in_the_units_of_the_client(
    launch: Launch, offered: list[str] | None, chosen: str
) -> None:
    client = launch()
    general = {"positionEncodings": offered} if offered else {}
    assert client.start(capabilities={"general": general})["positionEncoding"] == chosen
    character = {"utf-8": 7, "utf-16": 4, "utf-32": 3}[chosen]
    client.open("file:///project/a.py", "\f\u2028\r\né😀x = \r\n")
    [item] = client.items("file:///project/a.py", 1, character)
    cursor = {"line": 1, "character": character}
    assert item["range"] == {"start": cursor, "end": cursor}
    assert client.command("test.look")["cursors"][0]["prefix"] == "\f\u2028\né😀x"


def test_the_engine_sees_cursor_language_and_path_in_the_workspace(client: LspClient) -> None:
    uri = open_new(client, "a = 1\r\nb = \r\nc = 3\r\n", language_id="python")
    client.items(uri, 1, 4)
    assert client.command("test.look")["cursors"][-1] == {
        "path": uri.removeprefix("file:///project/"),
        "language": "python",
        "prefix": "a = 1\nb = ",
        "suffix": "\nc = 3\n",
    }


def test_line_ends_of_the_text_are_left_to_the_editor(client: LspClient) -> None:
    client.command("test.script", {"text": "a\nb"})
    [item] = client.items(open_new(client, "x\r\n"), 1, 0)
    assert item["insertText"] == "a\nb"


def test_a_column_past_the_end_means_the_end_of_the_line(client: LspClient) -> None:
    [item] = client.items(open_new(client, "ab\ncd"), 0, 99)
    assert item["range"]["start"] == {"line": 0, "character": 2}


def test_the_empty_last_line_can_be_completed(client: LspClient) -> None:
    [item] = client.items(open_new(client, "ab\n"), 1, 0)
    assert item["range"]["start"] == {"line": 1, "character": 0}


def test_the_range_covers_what_the_suggestion_replaces(client: LspClient) -> None:
    client.command("test.script", {"text": "'😀') + 1", "n_replaced": 2})
    [item] = client.items(open_new(client, "é = f(😀)\r\n"), 0, 6)
    start, end = ({"line": 0, "character": character} for character in (6, 9))  # an emoji has two units
    assert item["range"] == {"start": start, "end": end}


def test_nothing_to_suggest_is_an_empty_list(client: LspClient) -> None:
    uri = open_new(client, "ab\n")
    assert client.items("file:///project/not-open.py", 0, 0) == []
    assert client.items(uri, 2, 0) == []
    client.command("test.script", {"text": " \n\t"})
    assert client.items(uri, 0, 2) == []
    client.command("test.script", {"text": "", "stop_reason": "engine_failed"})
    assert client.items(uri, 0, 1) == []
    assert client.command("midfill.explain", uri)["stop_reason"] == "engine_failed"
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.items(uri, 0, 2) == []


def test_an_engine_that_raises_gives_an_empty_list_too(client: LspClient) -> None:
    uri = open_new(client, "x")
    client.command("test.script", {"raises": True})
    assert client.items(uri, 0, 1) == []
    assert client.command("midfill.explain", uri)["stop_reason"] == "engine_failed"


def test_requests_run_side_by_side(client: LspClient) -> None:
    client.command("test.script", {"delay_ms": 300})
    asked = [client.ask(open_new(client, "x"), 0, 1) for _ in range(5)]
    assert all(client.answer(msg_id)["result"]["items"] for msg_id in asked)
    totals = [client.command("midfill.explain", uri)["total_ms"] for uri in client.command("test.look")["clients"][-5:]]
    assert max(totals) < 900  # one after the other, the last one would take 1500


def test_a_newer_request_ends_the_older_one_of_the_same_document(client: LspClient) -> None:
    """Neovim goes on typing without cancelling."""
    uri, other = open_new(client, "x"), open_new(client, "y")
    n_cancelled = client.command("test.look")["n_cancelled"]
    client.command("test.script", {"delay_ms": 500})
    elsewhere = client.ask(other, 0, 1)
    asked = [client.ask(uri, 0, 1) for _ in range(15)]
    answers = [client.answer(msg_id)["result"]["items"] for msg_id in asked]
    assert answers[:-1] == [[]] * 14
    assert len(answers[-1]) == 1
    assert len(client.answer(elsewhere)["result"]["items"]) == 1
    # Those that came in one go never reached the engine, the others were cancelled in it.
    n_reached = n_asked(client, uri)
    assert client.command("test.look")["n_cancelled"] == n_cancelled + n_reached - 1


def test_cancelling_is_answered_at_once_and_stops_the_engine(client: LspClient) -> None:
    uri = open_new(client, "x")
    n_cancelled = client.command("test.look")["n_cancelled"]
    client.command("test.script", {"delay_ms": 60_000})
    msg_id = client.ask(uri, 0, 1)
    assert eventually(lambda: n_asked(client, uri) == 1)
    client.notify("$/cancelRequest", {"id": msg_id})
    assert client.answer(msg_id)["error"]["code"] == CANCELLED
    assert eventually(lambda: client.command("test.look")["n_cancelled"] == n_cancelled + 1)


def test_a_request_cancelled_in_the_same_breath_is_answered_once(client: LspClient) -> None:
    uri = open_new(client, "x")
    msg_id = client.ask(uri, 0, 1)
    client.notify("$/cancelRequest", {"id": msg_id})
    assert client.answer(msg_id)
    client.command("test.look")
    assert len(client.answers[msg_id]) == 1


def test_the_document_is_the_one_at_the_time_of_the_request(client: LspClient) -> None:
    """What follows in the same write must not reach the request before it."""
    uri = open_new(client, "before")
    client.command("test.script", {"delay_ms": 50})
    msg_id = client.ask(uri, 0, 6)
    client.change(uri, 2, replacement((0, 0), (0, 6), "after"))
    client.answer(msg_id)
    prefixes = [cursor["prefix"] for cursor in client.command("test.look")["cursors"]]
    assert prefixes[-1] == "before"


@pytest.mark.parametrize("meanwhile", ["changed", "closed", "reopened"])
def test_an_answer_for_an_older_version_is_dropped(client: LspClient, meanwhile: str) -> None:
    """Neovim shows whatever comes last, without a look at the version."""
    uri = open_new(client, "x")
    client.command("test.script", {"delay_ms": 200})
    msg_id = client.ask(uri, 0, 1)
    if meanwhile == "changed":
        client.change(uri, 2, replacement((0, 1), (0, 1), "y"))
    else:
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    if meanwhile == "reopened":
        client.open(uri, "x")
    assert client.answer(msg_id)["result"] == {"items": []}


def test_eight_documents_with_interleaved_requests_get_their_own_answers(client: LspClient) -> None:
    client.command("test.script", {"text": "{path} <{prefix}>", "delay_ms": 20})
    texts = {open_new(client, f"# {number}\n"): f"# {number}\n" for number in range(8)}
    for version in range(2, 12):
        for number, uri in enumerate(texts):
            client.change(uri, version, replacement((1, version - 2), (1, version - 2), str(number)))
            texts[uri] += str(number)
        asked = {uri: client.ask(uri, 1, version - 1) for uri in texts}
        for uri, msg_id in asked.items():
            [item] = client.answer(msg_id)["result"]["items"]
            assert item["insertText"] == f"{uri.removeprefix('file:///project/')} <{texts[uri]}>"


def test_typing_through_and_accepting_ask_no_model(client: LspClient) -> None:
    """Key by key, with a bracket that the editor closes; in the end comes what was prefetched."""
    client.command("test.script", {"text": "foo(a)"})
    uri, character = open_new(client, "x = \n"), 4
    for version, (typed, shown) in enumerate(
        [("", "foo(a)"), ("f", "oo(a)"), ("oo", "(a)"), ("()", "a"), ("a", "foo(a)"), ("foo(a", ")")]
    ):
        client.change(uri, version, replacement((0, character), (0, character), typed))
        character += 1 if typed == "()" else len(typed)
        [item] = client.items(uri, 0, character)
        assert item["insertText"] == shown
    assert n_asked(client, uri) == 1


def test_the_prompt_is_read_where_an_edit_ended(client: LspClient) -> None:
    uri = open_new(client, "a = 1\nb = 2\n")
    client.change(uri, 2, replacement((1, 4), (1, 5), "f()"), replacement((0, 4), (0, 5), "()"))

    def read() -> list[Any]:
        background = client.command("test.look")["in_background"]
        return [asked for asked in background if asked["cursor"]["path"] == uri.removeprefix("file:///project/")]

    assert eventually(lambda: bool(read()))
    [warm_up] = read()
    assert warm_up["max_tokens"] == 0
    assert (warm_up["cursor"]["prefix"], warm_up["cursor"]["suffix"]) == ("a = (", ")\nb = f()\n")


def test_accepting_is_told_by_the_id_in_the_item(client: LspClient) -> None:
    [item] = client.items(open_new(client, "x"), 0, 1)
    name, [suggestion_id] = item["command"]["command"], item["command"]["arguments"]
    assert name == "midfill.accept"
    assert client.command("midfill.acceptPartial", suggestion_id, 3) is True
    assert client.command(name, suggestion_id) is True
    assert client.command(name, suggestion_id) is False
    assert client.command("midfill.acceptPartial", "unknown", 3) is False


@pytest.mark.parametrize("arguments", [[1, 2], ["1", "2"], ["1", -1], ["1", True]])
def test_a_partial_accept_that_makes_no_sense_is_refused(client: LspClient, arguments: list[object]) -> None:
    params = {"command": "midfill.acceptPartial", "arguments": arguments}
    assert client.error_code("workspace/executeCommand", params) == -32602


# Several, for who asks for them


def texts(items: list[Any]) -> list[str]:
    return [item["insertText"] for item in items]


def test_who_asks_gets_up_to_three_different_ones(client: LspClient) -> None:
    client.command("test.script", {"alternatives": ["scripted()", "other", "third", "fourth"]})
    uri = open_new(client, "x")
    assert texts(client.items(uri, 0, 1)) == ["scripted()"]
    invoked = client.items(uri, 0, 1, triggerKind=1)
    assert texts(invoked) == ["scripted()", "other"]  # of three that were asked for, one came twice
    assert len({item["command"]["arguments"][0] for item in invoked}) == 2
    assert texts(client.items(uri, 0, 1)) == ["scripted()"]
    assert client.command("test.look")["n_candidates"][-2:] == [1, 3]


def test_what_is_known_stays_the_first_of_several(client: LspClient) -> None:
    uri = open_new(client, "x = \n")
    client.command("test.script", {"text": "foo(a)"})
    client.items(uri, 0, 4)
    client.change(uri, 2, replacement((0, 4), (0, 4), "f"))
    client.command("test.script", {"text": "ine", "alternatives": ["oo(a)", "unny"]})
    assert texts(client.items(uri, 0, 5, triggerKind=1)) == ["oo(a)", "ine", "unny"]
    assert texts(client.items(uri, 0, 5)) == ["oo(a)"]


def test_alternatives_where_the_best_is_nothing(client: LspClient) -> None:
    client.command("test.script", {"text": "", "alternatives": ["other"]})
    uri = open_new(client, "x")
    assert texts(client.items(uri, 0, 1, triggerKind=1)) == ["other"]
    assert client.items(uri, 0, 1) == []


def test_typing_on_does_not_wait_for_alternatives(client: LspClient) -> None:
    uri = open_new(client, "x")
    client.command("test.script", {"delay_ms": 60_000})
    invoked = client.ask(uri, 0, 1, triggerKind=1)
    assert eventually(lambda: n_asked(client, uri) == 1)
    client.command("test.script", {"delay_ms": 0})
    assert texts(client.items(uri, 0, 1)) == ["scripted()"]
    assert client.answer(invoked)["result"] == {"items": []}


# Behind what the editor's menu offers


@pytest.mark.parametrize(
    ("line", "span", "selected", "prefix", "suffix"),
    [
        pytest.param("é😀so", (3, 5), "sorted", "é😀sorted", "", id="in the client's units"),
        pytest.param("so(a)", (0, 2), "sorted", "sorted", "(a)", id="with text behind"),
        pytest.param("soup", (0, 4), "sorted", "sorted", "", id="in place of text behind"),
        pytest.param("a.", (2, 2), "pop", "a.pop", "", id="nothing typed"),
        pytest.param("SO", (0, 2), "sorted", "sorted", "", id="another case"),
    ],
)
def test_a_suggestion_goes_on_behind_what_is_selected(
    client: LspClient, line: str, span: tuple[int, int], selected: str, prefix: str, suffix: str
) -> None:
    client.command("test.script", {"text": "(b)", "n_replaced": len(suffix)})
    first, last = ({"line": 1, "character": character} for character in span)
    info = {"range": {"start": first, "end": last}, "text": selected}
    cursor = min(span[0] + 2, span[1])
    uri = open_new(client, f"a\r\n{line}\r\nz")
    [item] = client.items(uri, 1, cursor, selectedCompletionInfo=info)
    assert item["insertText"] == selected + "(b)"
    assert item["range"] == {"start": first, "end": {"line": 1, "character": span[1] + len(suffix)}}
    seen = client.command("test.look")["cursors"][-1]
    assert (seen["prefix"], seen["suffix"]) == (f"a\n{prefix}", f"{suffix}\nz")


def test_nothing_to_add_to_what_is_selected_is_an_empty_list(client: LspClient) -> None:
    client.command("test.script", {"text": ""})
    cursor = {"line": 0, "character": 2}
    info = {"range": {"start": {"line": 0, "character": 0}, "end": cursor}, "text": "sorted"}
    assert client.items(open_new(client, "so"), 0, 2, selectedCompletionInfo=info) == []


def test_a_selection_away_from_the_cursor_is_an_empty_list(client: LspClient) -> None:
    start, end = ({"line": 0, "character": character} for character in (3, 5))
    info = {"range": {"start": start, "end": end}, "text": "sorted"}
    uri = open_new(client, "a\nso so")
    assert client.items(uri, 1, 2, selectedCompletionInfo=info) == []
    assert n_asked(client, uri) == 0


# What became of them


def test_displayed_and_accepted_by_notification(client: LspClient) -> None:
    client.command("test.script", {"text": "😀 b"})
    [item] = client.items(open_new(client, "x"), 0, 1)
    client.notify("textDocument/didShowCompletion", {"item": item})
    client.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 2})
    assert client.command("midfill.accept", item["command"]["arguments"][0]) is True


@pytest.mark.parametrize("method", ["didShowCompletion", "didPartiallyAcceptCompletion"])
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"item": {"command": {"arguments": ["99"]}}, "acceptedLength": 1}, id="unknown"),
        pytest.param({"item": {"command": {"arguments": ["1"]}}, "acceptedLength": -1}, id="negative"),
        pytest.param({"item": {"command": {"arguments": ["1"]}}, "acceptedLength": "1"}, id="no length"),
        pytest.param({"item": {"command": {"arguments": [7]}}, "acceptedLength": 1}, id="no id"),
        pytest.param({"item": {"command": {"arguments": []}}}, id="no argument"),
        pytest.param({"item": {"insertText": "x"}}, id="no command"),
        pytest.param({"item": None}, id="null"),
        pytest.param([], id="no object"),
        pytest.param(None, id="nothing"),
    ],
)
def test_notifications_that_make_no_sense_are_ignored_quietly(client: LspClient, method: str, params: object) -> None:
    n_lines = client.stderr.count("\n")
    client.notify(f"textDocument/{method}", params)
    client.command("test.look")
    assert client.stderr.count("\n") == n_lines


def test_explain_says_why(client: LspClient) -> None:
    uri = open_new(client, "x")
    assert client.command("midfill.explain", uri)["why"] == "no completion was asked for in this document"
    assert client.command("midfill.explain", "file:///no")["why"] == "the document is not open"
    client.items(uri, 0, 1)
    explained = client.command("midfill.explain", uri)
    assert explained.pop("total_ms") >= explained.pop("context_ms") >= 0
    assert explained == {
        "why": "the line is complete",
        "stage": "ending",
        "is_shown": True,
        "is_reused": False,
        "stop_reason": "line",
        "n_prompt_tokens": 10,
        "n_reused_tokens": 4,
        "n_completion_tokens": 3,
        "prompt_ms": 1.5,
        "decode_ms": 2.5,
        "n_context_tokens": 0,
        "snippets": [],
    }
    client.items(uri, 0, 1)
    assert client.command("midfill.explain", uri)["why"] == "known from an earlier request"
    client.command("test.script", {"text": ""})
    client.items(uri, 0, 0)
    assert client.command("midfill.explain", uri)["why"] == "the line is complete; nothing was left to show"


def test_folders_come_and_go(client: LspClient) -> None:
    uri = "file:///later/deep/a.py"
    client.open(uri, "xyz")
    later: list[object] = [{"uri": "file:///later", "name": "later"}]
    for character, added, removed in ((1, [], []), (2, later, []), (3, [], later)):
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": added, "removed": removed}})
        client.items(uri, 0, character)
    paths = [cursor["path"] for cursor in client.command("test.look")["cursors"]]
    assert paths[-3:] == ["a.py", "deep/a.py", "a.py"]


def test_a_root_uri_is_a_workspace_too(launch: Launch) -> None:
    client = launch()
    client.start(rootUri="file:///root")
    client.open("file:///root/pkg/a.py", "x")
    client.answer(client.send(INLINE, inline_params("file:///root/pkg/a.py", 0, 1)))
    assert client.command("test.look")["cursors"][0]["path"] == "pkg/a.py"
