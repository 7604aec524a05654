"""The projects of a session: what the server makes of folders, open documents and changed files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsp_client import LspClient, eventually

Launch = Callable[..., LspClient]

CALLER = "from shapes import Circle\n\n\ndef area_of_a_plate(radius):\n    circle = "
SHAPES = '''class Circle:
    """A round shape."""

    def __init__(self, radius: float) -> None:
        self.radius = radius
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shapes.py").write_text(SHAPES)
    (tmp_path / "main.py").write_text(CALLER)
    return tmp_path


def snippets(client: LspClient, uri: str) -> dict[str, str]:
    """The snippets that the engine is given with a request at the end of `CALLER`, by path.

    Each time behind another first line, because no engine is asked twice for the same place.
    """
    start = {"line": 0, "character": 0}
    n_lines = len(client.command("test.text", uri).split("\n"))
    client.change(uri, n_lines, {"range": {"start": start, "end": start}, "text": f"# {n_lines}\n"})
    client.items(uri, n_lines, len("    circle = "))
    seen: list[dict[str, str]] = client.command("test.look")["snippets"]
    return seen[-1] if seen else {}


def started(launch: Launch, *folders: Path, **params: Any) -> LspClient:
    client = launch()
    client.start(workspaceFolders=[{"uri": folder.as_uri(), "name": folder.name} for folder in folders], **params)
    return client


def test_definitions_of_another_file_reach_the_engine(launch: Launch, project: Path) -> None:
    client, uri = started(launch, project), (project / "main.py").as_uri()
    client.open(uri, CALLER)
    assert eventually(lambda: "class Circle" in snippets(client, uri).get("shapes.py", ""))


def test_open_text_beats_the_disk(launch: Launch, project: Path) -> None:
    client, uri, other = started(launch, project), (project / "main.py").as_uri(), (project / "shapes.py").as_uri()
    client.open(uri, CALLER)
    client.open(other, SHAPES.replace("radius: float", "diameter: float"))
    assert eventually(lambda: "diameter: float" in snippets(client, uri).get("shapes.py", ""))
    client.notify("textDocument/didClose", {"textDocument": {"uri": other}})
    assert eventually(lambda: "radius: float" in snippets(client, uri).get("shapes.py", ""))


def test_changed_files_are_read_again(launch: Launch, project: Path) -> None:
    client, uri = started(launch, project), (project / "main.py").as_uri()
    client.open(uri, CALLER)
    assert eventually(lambda: "radius: float" in snippets(client, uri).get("shapes.py", ""))
    (project / "shapes.py").write_text(SHAPES.replace("radius: float", "r: float"))
    client.notify(
        "workspace/didChangeWatchedFiles", {"changes": [{"uri": (project / "shapes.py").as_uri(), "type": 2}]}
    )
    assert eventually(lambda: "r: float" in snippets(client, uri).get("shapes.py", ""))


def test_folders_come_and_go(launch: Launch, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    client, uri = started(launch, tmp_path_factory.mktemp("empty")), (project / "main.py").as_uri()
    client.open(uri, CALLER)
    assert snippets(client, uri) == {}
    folder = {"uri": project.as_uri(), "name": "project"}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}})
    assert eventually(lambda: "shapes.py" in snippets(client, uri))
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folder]}})
    assert snippets(client, uri) == {}


def test_the_measure_of_similar_code(launch: Launch, project: Path) -> None:
    noise = "".join(f"circle = plate(radius, colour_{n}, weight_{n}, price_{n})\n" for n in range(12))
    (project / "similar.py").write_text(noise + "x = 1\n" * 40 + "circle = plate(radius)\n" + "x = 1\n" * 40)
    client, uri = started(launch, project), (project / "main.py").as_uri()
    client.open(uri, CALLER)
    assert eventually(lambda: "colour_3" in snippets(client, uri).get("similar.py", ""))
    client.notify("workspace/didChangeConfiguration", {"settings": {"midfill": {"similarity": "jaccard"}}})
    assert eventually(lambda: "plate(radius)" in snippets(client, uri).get("similar.py", ""))


def test_without_a_budget_nothing_is_indexed(launch: Launch, project: Path, user_dirs: Path) -> None:
    client = started(launch, project, initializationOptions={"maxSnippetTokens": 0})
    client.open((project / "main.py").as_uri(), CALLER)
    client.items((project / "main.py").as_uri(), 4, 13)
    assert client.shut_down() == 0
    assert not list((user_dirs / "cache").rglob("*.sqlite*"))


def test_a_folder_that_is_not_there_disturbs_nobody(launch: Launch, project: Path) -> None:
    client, uri = started(launch, project / "gone"), (project / "main.py").as_uri()
    client.open(uri, CALLER)
    assert [item["insertText"] for item in client.items(uri, 4, 13)] == ["scripted()"]


def test_indexing_is_shown(launch: Launch, project: Path) -> None:
    client = started(launch, project, capabilities={"window": {"workDoneProgress": True}})

    def shown() -> list[dict[str, Any]]:
        return [note["params"]["value"] for note in client.heard("$/progress")]

    assert eventually(lambda: sum(value["kind"] == "end" for value in shown()) == len(shown()) / 2 > 0)
    assert {"kind": "begin", "title": f"midfill: indexing {project.name}"} in [
        {"kind": value["kind"], "title": value.get("title")} for value in shown()
    ]
