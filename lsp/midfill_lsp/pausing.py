"""Where the user has paused suggestions. A pause ends with the server; what is to last are the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from midfill_lsp.documents import Document


@dataclass(frozen=True)
class Pauses:
    """Everything, the languages and the documents that are paused."""

    everywhere: bool = False
    languages: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()

    def __or__(self, other: Pauses) -> Pauses:
        """Paused where either is."""
        everywhere = self.everywhere or other.everywhere
        return Pauses(everywhere, self.languages | other.languages, self.uris | other.uris)

    def __sub__(self, other: Pauses) -> Pauses:
        """What stays paused when others end; everywhere ends every pause."""
        if other.everywhere:
            return Pauses()
        return Pauses(self.everywhere, self.languages - other.languages, self.uris - other.uris)

    def why(self, document: Document) -> str | None:
        """Which pause a document falls under, or `None`."""
        if self.everywhere:
            return "suggestions are paused"
        if document.language_id in self.languages:
            return f"suggestions are paused for {document.language_id}"
        return "suggestions are paused in this document" if document.uri in self.uris else None

    def to_wire(self) -> dict[str, object]:
        """As clients are told of them."""
        return {"everywhere": self.everywhere, "languages": sorted(self.languages), "uris": sorted(self.uris)}


def pauses_from(wire: object) -> Pauses:
    """Pauses as a client names them, `{language?, uri?}`: no key is everywhere. Raises ValueError."""
    named = {} if wire is None else wire
    if not isinstance(named, Mapping) or named.keys() - {"language", "uri"}:
        raise ValueError("must be an object with the keys language and uri, or neither")
    if not all(isinstance(value, str) for value in named.values()):
        raise ValueError("language and uri must be strings")
    languages, uris = (frozenset({named[key]} if key in named else ()) for key in ("language", "uri"))
    return Pauses(not named, languages, uris)
