"""Suggestions in the ordinary completion menu, for editors without inline completion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lsp_client import LspClient, eventually

Launch = Callable[..., LspClient]

URI = "file:///project/a.py"
COMPLETION = "textDocument/completion"
WANTED = {"fallbackCompletion": True}
DYNAMIC = {"textDocument": {"completion": {"dynamicRegistration": True}}}


def menu(client: LspClient, line: int, character: int) -> list[Any]:
    params = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    answer = client.result(COMPLETION, params)
    assert answer["isIncomplete"] is True
    items: list[Any] = answer["items"]
    return items


@pytest.mark.parametrize(("settings", "advertised"), [({}, None), (WANTED, {})])
def test_it_is_advertised_only_where_it_is_wanted(launch: Launch, settings: object, advertised: object) -> None:
    client = launch()
    assert client.start(initializationOptions=settings).get("completionProvider") == advertised
    client.open(URI, "x")
    assert bool(menu(client, 0, 1)) == bool(settings)


def test_it_is_registered_once_when_it_is_wanted_later(launch: Launch) -> None:
    client = launch()
    client.start(capabilities=DYNAMIC)
    client.open(URI, "x")
    for is_wanted in (True, False, True):
        client.notify("workspace/didChangeConfiguration", {"settings": {"fallbackCompletion": is_wanted}})
        assert bool(menu(client, 0, 1)) == is_wanted
    methods = [each["method"] for asked in client.asked for each in asked["params"]["registrations"]]
    assert methods == [COMPLETION]


def test_it_is_registered_when_the_pulled_settings_want_it(launch: Launch) -> None:
    client = launch()
    client.replies["workspace/configuration"] = [WANTED]
    client.start(capabilities={**DYNAMIC, "workspace": {"configuration": True}})
    assert eventually(lambda: "client/registerCapability" in [asked["method"] for asked in client.asked])


@pytest.mark.parametrize(
    ("line", "suggested", "label", "filtered_by"),
    [
        pytest.param("  ret", "urn a\n  b()", "return a", "return a", id="a word goes on"),
        pytest.param("x = ", "foo()", "foo()", "foo()", id="a new word"),
        pytest.param("    ", "\n    foo()\n", "foo()", None, id="a new line"),
        pytest.param("foo", "\n  bar()", "bar()", "foo", id="a line below a word"),
        pytest.param("é😀 größ", "e = 1", "größe = 1", "größe = 1", id="beyond ASCII"),
    ],
)
def test_the_item(launch: Launch, line: str, suggested: str, label: str, filtered_by: str | None) -> None:
    client = launch()
    client.start(initializationOptions=WANTED)
    client.command("test.script", {"text": suggested, "n_replaced": 1})
    client.open(URI, f"a\r\n{line})\r\n")
    at = len(line) + line.count("😀")  # in UTF-16
    word = line.split(" ")[-1]
    [item] = menu(client, 1, at)
    [suggestion_id] = item.pop("command")["arguments"]
    span = {"start": {"line": 1, "character": at - len(word)}, "end": {"line": 1, "character": at + 1}}
    assert item == {
        "label": label,
        "detail": "midfill",
        "sortText": "~",
        "preselect": False,
        "insertTextMode": 1,
        "textEdit": {"range": span, "newText": word + suggested},
        **({"filterText": filtered_by} if filtered_by else {}),
    }
    assert client.command("midfill.accept", suggestion_id) is True


def test_it_goes_the_same_way_as_inline_completion(launch: Launch) -> None:
    client = launch()
    client.start(initializationOptions=WANTED)
    client.open(URI, "x = fo")
    [inline] = client.items(URI, 0, 6)
    [item] = menu(client, 0, 6)
    assert item["textEdit"]["newText"] == "fo" + inline["insertText"]
    assert len(client.command("test.look")["cursors"]) == 1
    assert menu(client, 3, 0) == []
    client.command("midfill.pause", {"uri": URI})
    assert menu(client, 0, 6) == []
