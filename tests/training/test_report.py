"""Manifests and the pages of reports."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from midfill_training.errors import BadInput
from midfill_training.report.manifest import FILE_NAME, Manifest, read_manifest, sha256, write_manifest
from midfill_training.report.page import Sample, Section, Table, settings_table, write_page


def test_a_manifest_there_and_back(tmp_path: Path) -> None:
    settings = {"nested": {"share": 0.5}, "names": ("a", "b")}
    write_manifest(tmp_path, Manifest("corpus", {"in": "1"}, settings, {"files": 3}, {"out": "2"}))
    found = read_manifest(tmp_path)
    assert found
    assert (found.stage, found.inputs, found.counts, found.outputs) == (
        "corpus",
        {"in": "1"},
        {"files": 3},
        {"out": "2"},
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", found.finished)
    assert "python" in found.versions
    assert found.is_of("corpus", {"in": "1"}, settings)


@pytest.mark.parametrize(
    ("stage", "inputs", "settings"),
    [("pack", {"in": "1"}, {}), ("corpus", {"in": "2"}, {}), ("corpus", {"in": "1"}, {"a": 1})],
)
def test_another_run(stage: str, inputs: dict[str, str], settings: dict[str, int]) -> None:
    assert not Manifest("corpus", {"in": "1"}, {}).is_of(stage, inputs, settings)


def test_no_manifest_and_a_damaged_one(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    for text in ("", "[]", json.dumps({"stage": "corpus"})):
        (tmp_path / FILE_NAME).write_text(text)
        with pytest.raises(BadInput, match="is no manifest"):
            read_manifest(tmp_path)


def test_hashes_of_files_and_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a").write_text("text")
    assert sha256(tmp_path / "one") == sha256(tmp_path / "two")
    (tmp_path / "two" / "sub" / "a").rename(tmp_path / "two" / "sub" / "b")
    assert sha256(tmp_path / "one") != sha256(tmp_path / "two")
    assert sha256(tmp_path / "one/sub/a") == "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
    with pytest.raises(BadInput, match="missing: cannot be read"):
        sha256(tmp_path / "missing")


class Tags(HTMLParser):
    """Checks that every tag is closed, and collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert tag not in ("script", "img", "link"), "a report loads nothing"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.add_subplot().barh(["a"], [1])
    parts = [
        "words < & >",
        Table(("name", "n"), [("<b>", 1234), ("x", 0.5), ("y", True)]),
        Sample("a < b", "if a < b:"),
        figure,
    ]
    write_page(
        tmp_path / "r.html", "Title <x>", [Section("One", parts), Section("Two", [settings_table({"a": (1, 2)})])]
    )
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert {"h1", "h2", "p", "table", "details", "svg"} <= tags.seen
    for text in (
        "words &lt; &amp; &gt;",
        "&lt;b&gt;",
        "1,234",
        "0.5",
        "True",
        "if a &lt; b:",
        "(1, 2)",
        "Title &lt;x&gt;",
    ):
        assert text in page
    write_page(tmp_path / "again.html", "Lone \ud800 surrogate", [])


def test_the_same_page_from_the_same_parts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_page(tmp_path / name, "t", [Section("s", [Table(("x",), [(1,)])])])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
