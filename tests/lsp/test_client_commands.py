"""What a client can tell the server to do, besides completing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_client import LspClient
from midfill_lsp.outcomes.statistics import statistics_path
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL, catalogue
from tiny_gguf import write_tiny_gguf

Launch = Callable[..., LspClient]

URI = "file:///project/a.py"
OTHER = "file:///project/b.md"
NOWHERE = {"everywhere": False, "languages": [], "uris": []}


@pytest.fixture
def started(launch: Launch) -> LspClient:
    """A client with two documents open, one of them Markdown."""
    client = launch()
    client.start()
    client.open(URI, "x")
    client.open(OTHER, "x", language_id="markdown")
    return client


def suggested(client: LspClient) -> list[str]:
    """The documents in which there is a suggestion."""
    return [uri for uri in (URI, OTHER) if client.items(uri, 0, 1)]


# Status and pauses


def test_the_status_says_what_was_told_last(started: LspClient) -> None:
    expected = {"state": "ready", "model": "scripted", "reason": "", "paused": NOWHERE}
    assert started.command("midfill.status") == expected == started.heard("midfill/status")[-1]["params"]


def test_the_status_tells_how_long_the_model_took(started: LspClient) -> None:
    started.command("test.script", {"delay_ms": 30})
    started.items(URI, 0, 1)
    latency_ms = started.command("midfill.status")["lastLatencyMs"]
    assert latency_ms >= 30
    assert started.heard("midfill/status")[-1]["params"]["lastLatencyMs"] == latency_ms
    n_told = len(started.heard("midfill/status"))
    started.items(URI, 0, 1)  # known
    assert len(started.heard("midfill/status")) == n_told


@pytest.mark.parametrize(
    ("extent", "left", "told"),
    [
        pytest.param({}, [], {**NOWHERE, "everywhere": True}, id="everywhere"),
        pytest.param({"language": "markdown"}, [URI], {**NOWHERE, "languages": ["markdown"]}, id="a language"),
        pytest.param({"uri": URI}, [OTHER], {**NOWHERE, "uris": [URI]}, id="a document"),
        pytest.param(
            {"uri": URI, "language": "markdown"},
            [],
            {"everywhere": False, "languages": ["markdown"], "uris": [URI]},
            id="both",
        ),
    ],
)
def test_a_pause_and_its_end(started: LspClient, extent: dict[str, str], left: list[str], told: dict[str, Any]) -> None:
    status = started.command("midfill.pause", extent)
    assert status["paused"] == told
    assert status["state"] == ("paused" if told["everywhere"] else "ready")
    assert started.heard("midfill/status")[-1]["params"] == status
    assert suggested(started) == left
    assert started.command("midfill.resume", extent)["paused"] == NOWHERE
    assert suggested(started) == [URI, OTHER]


def test_resuming_everywhere_ends_every_pause(started: LspClient) -> None:
    for extent in ({"language": "python"}, {"uri": OTHER}, {}):
        started.command("midfill.pause", extent)
    assert started.command("midfill.resume", {"language": "python"})["state"] == "paused"
    assert started.command("midfill.resume")["paused"] == NOWHERE
    assert suggested(started) == [URI, OTHER]


def test_explain_names_the_pause(started: LspClient) -> None:
    started.command("midfill.pause", {"language": "python"})
    started.items(URI, 0, 1)
    explained = started.command("midfill.explain", URI)
    assert (explained["why"], explained["stage"]) == ("suggestions are paused for python", "settings")


def test_what_is_asked_when_a_pause_begins_is_not_shown(started: LspClient) -> None:
    started.command("test.script", {"delay_ms": 200})
    asked = started.ask(URI, 0, 1)
    started.command("midfill.pause")
    assert started.answer(asked)["result"] == {"items": []}


def test_a_pause_hides_what_the_engine_is_at(started: LspClient) -> None:
    started.command("midfill.pause")
    started.command("test.become", "busy", "")
    started.command("test.become", "error", "crashed")
    assert started.command("midfill.status")["state"] == "paused"
    status = started.command("midfill.resume")
    assert (status["state"], status["reason"]) == ("error", "crashed")


@pytest.mark.parametrize("extent", [5, "python", [], {"langauge": "python"}, {"language": None}, {"uri": 1}])
def test_a_pause_that_makes_no_sense_is_refused(started: LspClient, extent: object) -> None:
    params = {"command": "midfill.pause", "arguments": [extent]}
    assert started.error_code("workspace/executeCommand", params) == -32602
    assert started.command("midfill.status")["paused"] == NOWHERE


# Models


def test_models(launch: Launch, tmp_path: Path) -> None:
    mine, stored = write_tiny_gguf(tmp_path / "mine.gguf"), store.stored_path("stored")
    stored.parent.mkdir()
    write_tiny_gguf(stored)
    client = launch()
    client.start(initializationOptions={"model": str(mine)})
    models = {model["name"]: model for model in client.command("midfill.models")}
    assert list(models) == [*catalogue(), "stored", str(mine)]
    assert [name for name, model in models.items() if model["active"]] == [str(mine)]
    assert [name for name, model in models.items() if model["installed"]] == ["stored", str(mine)]
    assert models["stored"]["bytes"] == models[str(mine)]["bytes"] == stored.stat().st_size
    entry = catalogue()[DEFAULT_MODEL]
    assert models[DEFAULT_MODEL] == {
        "name": DEFAULT_MODEL,
        "description": entry.title,
        "licence": "Apache-2.0",
        "licenceUrl": entry.licence.url,
        "bytes": entry.size_bytes,
        "installed": False,
        "active": False,
        "needsMemoryBytes": entry.memory_mib * 2**20,
    }


@pytest.mark.parametrize(
    ("settings", "active"), [({}, [DEFAULT_MODEL]), ({"remote": {"url": "http://localhost:1"}}, [])]
)
def test_the_active_model(launch: Launch, settings: dict[str, Any], active: list[str]) -> None:
    client = launch()
    client.start(initializationOptions=settings)
    assert [model["name"] for model in client.command("midfill.models") if model["active"]] == active


# Statistics


def test_stats(launch: Launch) -> None:
    client = launch()
    client.start()
    assert client.command("midfill.stats") == []
    client.open(URI, "x")
    for n_suggestions in (1, 2):
        client.items(URI, 0, 1)
        [row] = client.command("midfill.stats")
        assert (row["language"], row["model"], row["n_suggestions"]) == ("python", "scripted", n_suggestions)


def test_stats_that_cannot_be_read_are_an_error_that_says_what_to_do(launch: Launch) -> None:
    statistics_path().parent.mkdir(parents=True)
    statistics_path().write_text("no database at all, but long enough to be taken for one")
    client = launch()
    client.start()
    assert "counting begins anew" in client.refused("midfill.stats")
