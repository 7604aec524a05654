"""The catalogue's data, and what a model name or path stands for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midfill_model.errors import ModelUnavailable, UnknownModel
from midfill_model.files import store
from midfill_model.files.catalogue import (
    DEFAULT_MODEL,
    HubSource,
    PypiSource,
    catalogue,
    find_entry,
    find_model,
    parse_catalogue,
)
from midfill_model.files.gguf_file import memory_need, read_header
from midfill_model.prompts.formats import BY_NAME
from tiny_gguf import write_tiny_gguf


def test_every_entry_is_usable() -> None:
    for entry in catalogue().values():
        assert re.fullmatch(r"[a-z0-9._-]+", entry.name)
        assert entry.format in BY_NAME
        assert entry.size_bytes > 0
        assert entry.memory_mib > entry.size_bytes >> 20
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        # Without a hash of ours only a hub can say what is right.
        assert entry.sha256 is not None or isinstance(entry.source, HubSource)
        assert entry.licence.url.startswith("https://")


def test_the_default_model_needs_no_licence_accepted() -> None:
    entry = catalogue()[DEFAULT_MODEL]
    assert isinstance(entry.source, PypiSource)
    assert not entry.licence.needs_acceptance


def test_the_default_entry_describes_the_installed_file(smollm2: Path) -> None:
    entry = catalogue()[DEFAULT_MODEL]
    assert smollm2.stat().st_size == entry.size_bytes
    assert store.sha256_of(smollm2) == entry.sha256
    assert abs((memory_need(read_header(smollm2), 4096).total >> 20) - entry.memory_mib) <= 1


def test_research_licences_must_be_accepted() -> None:
    for name in ("aixcoder-7b", "aixcoder-7b-q6_k", "aixcoder-7b-q8_0"):
        licence = catalogue()[name].licence
        assert licence.needs_acceptance
        assert "commercial" in licence.summary


def test_find_by_name() -> None:
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    write_tiny_gguf(path)
    model = find_model(DEFAULT_MODEL)
    assert (model.name, model.path, model.entry) == (DEFAULT_MODEL, path, catalogue()[DEFAULT_MODEL])


def test_find_a_file_of_the_models_folder_by_its_name() -> None:
    store.models_dir().mkdir(parents=True)
    path = write_tiny_gguf(store.stored_path("mine"))
    model = find_model("mine")
    assert (model.name, model.path, model.entry) == ("mine", path, None)


def test_find_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tiny_gguf(tmp_path / "mine.gguf")
    assert find_model(path).path == path
    monkeypatch.chdir(tmp_path)
    assert find_model("mine.gguf").path == path
    assert find_model("./mine.gguf").path == path
    assert find_model("mine.gguf").entry is None


def test_not_installed_says_what_to_run() -> None:
    with pytest.raises(ModelUnavailable, match=f"run `midfill model pull {DEFAULT_MODEL}`"):
        find_model(DEFAULT_MODEL)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("smollm2", "'smollm2-135m'"),
        ("SmolLM2-135M", "'smollm2-135m'"),
        ("aixcoder7b", "'aixcoder-7b'"),
        ("aix", "'aixcoder-7b'"),
        ("zzz", None),
        ("", None),
    ],
)
def test_unknown_name_suggests_the_nearest(name: str, suggestion: str | None) -> None:
    for find in (find_model, find_entry):
        with pytest.raises(UnknownModel) as caught:
            find(name)
        assert ("did you mean" in str(caught.value)) is (suggestion is not None)
        assert (suggestion or "midfill model list") in str(caught.value)


@pytest.mark.parametrize("path", ["/no/such/model.gguf", "./smollm2-135m", "model.gguf"])
def test_unknown_path(path: str) -> None:
    with pytest.raises(UnknownModel, match="no such model file"):
        find_model(path)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"colour": 1}, TypeError, "colour"),
        ({"source": {"kind": "hub", "repo": "r"}}, TypeError, "'file' and 'revision'"),
        ({"source": {"kind": "ftp"}}, ValueError, "'ftp'"),
        ({"licence": "none"}, KeyError, "none"),
    ],
)
def test_a_wrong_catalogue_is_not_half_understood(
    changes: dict[str, object], error: type[Exception], message: str
) -> None:
    source = {"kind": "hub", "repo": "r", "file": "f", "revision": "main"}
    model = {"title": "", "source": source, "size_bytes": 1, "licence": "l", "format": "", "memory_mib": 1}
    licences = {"l": {"name": "", "summary": "", "url": ""}}
    parse_catalogue({"licences": licences, "models": {"x": model}})
    with pytest.raises(error, match=message):
        parse_catalogue({"licences": licences, "models": {"x": {**model, **changes}}})
