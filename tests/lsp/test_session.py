"""Settings, status and progress over the life of a session."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_client import SILENCE, LspClient, eventually, inline_params
from midfill_lsp.outcomes.statistics import Group, read_statistics

Launch = Callable[..., LspClient]

URI = "file:///project/a.py"
PULLS = {"workspace": {"configuration": True}}
SHOWS_PROGRESS = {"window": {"workDoneProgress": True}}


def max_tokens(client: LspClient) -> int:
    """The setting that the engine sees with the next request."""
    client.open(URI, "x")
    client.items(URI, 0, 1)
    seen: int = client.command("test.look")["max_tokens"][-1]
    return seen


def complaints(client: LspClient) -> list[str]:
    client.command("test.look")
    return [shown["params"]["message"] for shown in client.heard("window/showMessage")]


def states(client: LspClient) -> list[str]:
    return [status["params"]["state"] for status in client.heard("midfill/status")]


# Settings


@pytest.mark.parametrize("wrapped", [False, True])
def test_settings_from_initialization_options(launch: Launch, wrapped: bool) -> None:
    client, options = launch(), {"maxTokens": 7, "model": "other"}
    client.start(initializationOptions={"midfill": options} if wrapped else options)
    assert max_tokens(client) == 7
    assert client.heard("midfill/status")[-1]["params"]["model"] == "other"
    assert complaints(client) == []


def test_bad_settings_give_one_message_that_names_the_keys(launch: Launch) -> None:
    client = launch()
    client.start(initializationOptions={"maxTokns": 7, "maxTokens": "many", "temperature": 0.5})
    assert max_tokens(client) == 48
    [complaint] = complaints(client)
    assert "maxTokns: no such setting, did you mean maxTokens?" in complaint
    assert "maxTokens: must be a whole number" in complaint


@pytest.mark.parametrize("options", [5, []])
def test_initialization_options_that_are_no_object_are_named(launch: Launch, options: object) -> None:
    client = launch()
    client.start(initializationOptions=options)
    assert complaints(client) == ["midfill: settings ignored: midfill: must be an object"]
    assert max_tokens(client) == 48


@pytest.mark.parametrize("wrapped", [False, True])
def test_pushed_settings_lie_over_the_first_ones(launch: Launch, wrapped: bool) -> None:
    client = launch()
    client.start(initializationOptions={"maxTokens": 7, "debounceMs": 1})
    for pushed, seen in (({"maxTokens": 9}, 9), ({"debounceMs": 2}, 7), ({"maxTokens": 0}, 7)):
        client.notify("workspace/didChangeConfiguration", {"settings": {"midfill": pushed} if wrapped else pushed})
        assert max_tokens(client) == seen
    assert complaints(client) == ["midfill: settings ignored: maxTokens: must be between 1 and 4096"]
    assert client.command("test.look")["n_opened"] == 1


def test_settings_are_pulled_from_a_client_that_answers(launch: Launch) -> None:
    client = launch()
    client.replies["workspace/configuration"] = [{"maxTokens": 5}]
    client.start(capabilities=PULLS)
    assert client.asked[0]["params"] == {"items": [{"section": "midfill"}]}
    assert max_tokens(client) == 5
    client.replies["workspace/configuration"] = [{"maxTokens": 6}]
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    assert eventually(lambda: max_tokens(client) == 6)


@pytest.mark.parametrize("reply", [None, [None], {"maxTokens": 3}, SILENCE])
def test_a_useless_answer_to_a_pull_is_no_endless_wait(launch: Launch, reply: object) -> None:
    client = launch()
    client.replies["workspace/configuration"] = reply
    client.start(capabilities=PULLS, initializationOptions={"maxTokens": 11})
    assert max_tokens(client) == 11


def test_the_server_subscribes_to_settings_where_that_must_be_asked_for(launch: Launch) -> None:
    client = launch()
    client.start(capabilities={"workspace": {"didChangeConfiguration": {"dynamicRegistration": True}}})
    client.wait(lambda: bool(client.asked), "a registration")
    [registration] = client.asked[0]["params"]["registrations"]
    assert registration["method"] == "workspace/didChangeConfiguration"
    assert registration["registerOptions"] == {"section": "midfill"}


def test_a_disabled_language_gets_nothing(launch: Launch) -> None:
    client = launch()
    client.start(initializationOptions={"disabledLanguages": ["markdown"]})
    client.open(URI, "x", language_id="markdown")
    assert client.items(URI, 0, 1) == []
    assert "markdown" in client.command("midfill.explain", URI)["why"]


def test_switching_off_closes_the_engine_and_switching_on_opens_it_again(launch: Launch) -> None:
    client = launch()
    client.start()
    client.open(URI, "x")
    client.notify("workspace/didChangeConfiguration", {"settings": {"enabled": False}})
    assert client.items(URI, 0, 1) == []
    assert client.command("test.look")["n_closed"] == 1
    client.notify("workspace/didChangeConfiguration", {"settings": {"enabled": True}})
    assert eventually(lambda: len(client.items(URI, 0, 1)) == 1)
    assert states(client)[:5] == ["loading", "ready", "disabled", "loading", "ready"]


def test_another_model_replaces_the_engine(launch: Launch) -> None:
    client = launch()
    client.start()
    client.notify("workspace/didChangeConfiguration", {"settings": {"model": "other"}})
    client.notification("midfill/status", lambda status: (status["state"], status["model"]) == ("ready", "other"))
    look = client.command("test.look")
    assert (look["n_opened"], look["n_closed"]) == (2, 1)


def test_a_debounced_request_reaches_the_engine_only_after_the_pause(launch: Launch) -> None:
    client = launch()
    client.start(initializationOptions={"debounceMs": 300})
    client.open(URI, "x")
    asked = []
    for _ in range(4):
        asked.append(client.ask(URI, 0, 1))
        time.sleep(0.05)
    answers = [client.answer(msg_id)["result"]["items"] for msg_id in asked]
    assert [len(items) for items in answers] == [0, 0, 0, 1]
    assert len(client.command("test.look")["clients"]) == 1


def test_who_asks_for_a_suggestion_need_not_wait(launch: Launch) -> None:
    client = launch()
    client.start(initializationOptions={"debounceMs": 10_000})
    client.open(URI, "x")
    params = {**inline_params(URI, 0, 1), "context": {"triggerKind": 1}}
    assert len(client.result("textDocument/inlineCompletion", params)["items"]) == 1


def test_what_became_of_suggestions_is_counted(launch: Launch, user_dirs: Path) -> None:
    client = launch()
    client.start()
    client.open(URI, "x")
    [item] = client.items(URI, 0, 1)
    client.items(URI, 0, 1)
    assert client.command("midfill.accept", item["command"]["arguments"][0])
    assert client.shut_down() == 0
    [week] = read_statistics(user_dirs / "data" / "midfill" / "statistics.sqlite3")
    assert week.group == Group("python", "scripted")
    waits = sum(n for name, n in week.counts.items() if name.startswith("wait"))
    assert (week.counts["suggestions"], week.counts["reused"], waits) == (2, 1, 2)
    assert (week.counts["shown"], week.counts["accepted_whole"]) == (1, 1)


# Status and progress


def test_requests_while_the_model_loads_are_answered_empty_at_once(launch: Launch) -> None:
    client = launch("--open-delay-ms", "1500")
    client.initialize()
    client.open(URI, "x")
    started = time.monotonic()
    assert client.items(URI, 0, 1) == []
    assert time.monotonic() - started < 1
    assert client.command("midfill.explain", URI)["why"] == "the model is still loading"
    assert states(client) == ["loading"]
    client.notification("midfill/status", lambda status: status["state"] == "ready")
    assert len(client.items(URI, 0, 1)) == 1


def test_the_engine_reports_its_states_through_the_server(launch: Launch) -> None:
    client = launch()
    client.start()
    client.open(URI, "x")
    for state, reason in (("busy", ""), ("ready", ""), ("loading", "restarting"), ("error", "crashed"), ("ready", "")):
        client.command("test.become", state, reason)
        client.command("test.look")
    told = [(status["params"]["state"], status["params"]["reason"]) for status in client.heard("midfill/status")]
    assert told[2:] == [("busy", ""), ("ready", ""), ("loading", "restarting"), ("error", "crashed"), ("ready", "")]
    assert len(client.items(URI, 0, 1)) == 1


@pytest.mark.parametrize(
    ("open_error", "reason"),
    [
        ("no GGUF at all", "no GGUF at all"),
        ("unexpected", "the engine cannot be opened (RuntimeError); the server's log says where"),
    ],
)
def test_an_engine_that_does_not_open_is_told_once_and_the_server_lives(
    launch: Launch, open_error: str, reason: str
) -> None:
    client = launch("--open-error", open_error)
    client.initialize()
    status: dict[str, Any] = client.notification("midfill/status", lambda status: status["state"] == "error")
    assert status["reason"] == reason
    client.command("midfill.restartEngine")
    assert eventually(lambda: states(client) == ["loading", "error"] * 2)
    assert complaints(client) == [f"midfill: {reason}"]
    client.open(URI, "x")
    assert client.items(URI, 0, 1) == []
    assert client.command("midfill.explain", URI)["why"] == reason
    assert "secret" not in client.stderr
    assert client.shut_down() == 0


def test_restarting_opens_a_new_engine_and_closes_the_old_one(launch: Launch) -> None:
    client = launch()
    client.start()
    client.command("midfill.restartEngine")
    assert eventually(lambda: states(client) == ["loading", "ready"] * 2)
    look = client.command("test.look")
    assert (look["n_opened"], look["n_closed"]) == (2, 1)


def test_loading_is_shown_as_progress_with_a_token_of_its_own_each_time(launch: Launch) -> None:
    client = launch("--open-delay-ms", "300")
    client.start(capabilities=SHOWS_PROGRESS)
    client.command("midfill.restartEngine")
    assert eventually(lambda: len(client.heard("$/progress")) == 4)
    progress = [(heard["params"]["token"], heard["params"]["value"]["kind"]) for heard in client.heard("$/progress")]
    first, second = [asked["params"]["token"] for asked in client.asked]
    assert first != second
    assert progress == [(first, "begin"), (first, "end"), (second, "begin"), (second, "end")]


def test_no_progress_for_a_client_that_does_not_show_it(launch: Launch) -> None:
    client = launch()
    client.start()
    client.command("test.look")
    assert client.asked == []
    assert client.heard("$/progress") == []


def test_a_client_that_never_creates_the_progress_does_not_stop_the_loading(launch: Launch) -> None:
    client = launch()
    client.replies["window/workDoneProgress/create"] = SILENCE
    client.start(capabilities=SHOWS_PROGRESS)
    client.open(URI, "x")
    assert len(client.items(URI, 0, 1)) == 1


# Statistics


@pytest.mark.parametrize("is_counted", [True, False])
def test_counting_can_be_switched_off(launch: Launch, user_dirs: Path, is_counted: bool) -> None:
    client = launch()
    client.start(initializationOptions={"statistics": is_counted})
    client.open(URI, "x")
    assert client.items(URI, 0, 1)
    assert client.shut_down() == 0
    assert bool(list((user_dirs / "data").rglob("statistics.sqlite3"))) == is_counted
