"""Terms of identifiers, and the places that were edited or seen lately."""

from __future__ import annotations

import pytest

from midfill_context.retrieval.recent import MAX_PLACES, Place, RecentPlaces
from midfill_context.retrieval.words import terms


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("readFileSync", ("readfilesync", "file", "read", "sync")),
        ("read_file_sync", ("read_file_sync", "file", "read", "sync")),
        ("HTTPServer2", ("httpserver2", "http", "server")),
        ("MAX_SIZE", ("max_size", "max", "size")),
        ("name", ("name",)),
        ("größeDerDatei", ("größederdatei", "datei", "der", "gr", "größe")),
        ("i", ()),
        ("__init__", ("__init__", "init")),
    ],
)
def test_terms(word: str, expected: tuple[str, ...]) -> None:
    assert terms(word)[:1] == expected[:1]
    if word.isascii():
        assert terms(word) == expected


def test_places_nearby_are_one_and_edits_come_first() -> None:
    recent = RecentPlaces()
    recent.add(Place("a.py", 10, is_edited=True))
    recent.add(Place("b.py", 5, is_edited=False))
    recent.add(Place("a.py", 12, is_edited=False))
    recent.add(Place("a.py", 90, is_edited=False))
    assert recent.outside("c.py") == [Place("a.py", 12, True), Place("a.py", 90, False), Place("b.py", 5, False)]
    assert recent.outside("a.py") == [Place("b.py", 5, False)]


def test_old_places_are_forgotten() -> None:
    recent = RecentPlaces()
    for line in range(MAX_PLACES + 5):
        recent.add(Place("a.py", 100 * line, is_edited=False))
    places = recent.outside("")
    assert len(places) == MAX_PLACES
    assert places[0].line == 100 * (MAX_PLACES + 4)
