"""How much of what was accepted stands in the document a while later.

A line counts as kept while the document has it as often as it had when it was accepted, wherever it stands and however
it is indented. So lines may move, and no text of the user's has to be kept but these lines, for five minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from midfill_lsp.documents import DocumentStore
from midfill_lsp.outcomes.statistics import Group, Statistics

CHECKS_S = (30, 120, 300)


@dataclass(frozen=True)
class Accepted:
    """The lines of an accepted text, without indentation, and how often each came in the document then."""

    lines: tuple[tuple[str, int], ...]

    @classmethod
    def from_text(cls, text: str, document_text: str) -> Accepted:
        """A text that a document has just taken in."""
        lines = [line.strip() for line in text.split("\n")]
        return cls(tuple((line, max(document_text.count(line), 1)) for line in lines if line))

    @property
    def n_characters(self) -> int:
        return sum(len(line) for line, _ in self.lines)

    def n_kept(self, document_text: str) -> int:
        """Characters of the lines that are kept in a later version of the document."""
        return sum(len(line) for line, n in self.lines if document_text.count(line) >= n)


class Retention:
    """Looks at the document some times after a text was accepted. What was closed meanwhile is not judged."""

    def __init__(self, documents: DocumentStore, statistics: Statistics, checks_s: Sequence[float] = CHECKS_S) -> None:
        self._documents = documents
        self._statistics = statistics
        self._checks_s = checks_s

    def watch(self, group: Group, uri: str, text: str) -> None:
        """A document has taken in a text."""
        document = self._documents.find(uri)
        if document is not None:
            accepted = Accepted.from_text(text, document.text)
            for check_s in self._checks_s:
                asyncio.get_running_loop().call_later(check_s, self._check, check_s, group, uri, accepted)

    def _check(self, check_s: float, group: Group, uri: str, accepted: Accepted) -> None:
        document = self._documents.find(uri)
        if document is not None:
            counts = {"checked": accepted.n_characters, "kept": accepted.n_kept(document.text)}
            self._statistics.add(group, {f"{name}_characters_{check_s}s": n for name, n in counts.items()})
