"""Places that the user has edited or looked at lately."""

from __future__ import annotations

from typing import NamedTuple

MAX_PLACES = 32
_SAME = 15  # lines within which two places are one


class Place(NamedTuple):
    """A line of a file, which counts from 1."""

    path: str
    line: int
    is_edited: bool


class RecentPlaces:
    """The latest places, the last one first."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def add(self, place: Place) -> None:
        """A place that was edited stays so when it is looked at again."""
        near = [known for known in self._places if known.path == place.path and abs(known.line - place.line) <= _SAME]
        is_edited = place.is_edited or any(known.is_edited for known in near)
        others = [known for known in self._places if known not in near]
        self._places = [place._replace(is_edited=is_edited), *others][:MAX_PLACES]

    def outside(self, path: str) -> list[Place]:
        """The places in other files: those edited before those looked at, of each kind the latest first."""
        return sorted((place for place in self._places if place.path != path), key=lambda place: not place.is_edited)
