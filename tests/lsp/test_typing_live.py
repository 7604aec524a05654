"""Typing with the real model behind the real server: what costs the model nothing, and where it reads ahead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_client import LspClient, replacement
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL

Launch = Callable[..., LspClient]

URI = "file:///project/shapes.py"
TEXT = "def area(width, height):\n    return width * height\n\n\ndef perimeter(width, height):\n    \n"
LINE, CHARACTER = 5, 4


@pytest.fixture
def client(smollm2: Path, launch: Launch) -> LspClient:
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    path.symlink_to(smollm2)
    client = launch(command=[sys.executable, "-I", "-m", "midfill_lsp"])
    client.initialize(initializationOptions={"decodeBudgetMs": 60_000, "promptBudgetMs": 60_000, "logLevel": "debug"})
    client.notification("midfill/status", lambda status: status["state"] == "ready")
    client.open(URI, TEXT)
    return client


def typed(client: LspClient, character: int, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Type a text that has no line end; the items behind it, and where they came from."""
    client.change(URI, character + 2, replacement((LINE, character), (LINE, character), text))
    items = client.items(URI, LINE, character + len(text))
    return items, client.command("midfill.explain", URI)


def test_a_session(client: LspClient) -> None:
    [item] = client.items(URI, LINE, CHARACTER)
    text = item["insertText"]
    assert client.command("midfill.explain", URI)["n_completion_tokens"] > 0
    assert len(text) > 4
    assert "\n" not in text

    [item], why = typed(client, CHARACTER, text[:3])
    assert item["insertText"] == text[3:]
    assert (why["stage"], why["n_prompt_tokens"]) == ("kept", 0)

    client.command("midfill.acceptPartial", item["command"]["arguments"][0], 1)
    [item], why = typed(client, CHARACTER + 3, text[3])
    assert (item["insertText"], why["stage"]) == (text[4:], "kept")

    client.change(URI, 90, replacement((LINE, CHARACTER), (LINE, CHARACTER + 4), ""))
    [item] = client.items(URI, LINE, CHARACTER)
    assert item["insertText"] == text

    client.command("midfill.accept", item["command"]["arguments"][0])
    _, why = typed(client, CHARACTER, text)
    assert why["is_reused"]  # it was prefetched, or is being


def test_what_disagrees_is_asked_for_with_a_warm_prompt(client: LspClient) -> None:
    [item] = client.items(URI, LINE, CHARACTER)
    other = "x" if item["insertText"][0] != "x" else "y"
    _, why = typed(client, CHARACTER, other)
    assert not why["is_reused"]
    assert why["n_reused_tokens"] > 0.5 * why["n_prompt_tokens"]


def test_where_the_cursor_rests_the_prompt_is_read(client: LspClient) -> None:
    client.change(URI, 2, replacement((LINE, CHARACTER), (LINE, CHARACTER), "r"))
    client.wait(lambda: "warm-up: max_tokens" in client.stderr, "the end of the warm-up")
    client.items(URI, LINE, CHARACTER + 1)
    why = client.command("midfill.explain", URI)
    assert why["n_reused_tokens"] > 0.5 * why["n_prompt_tokens"]
