"""The open documents as the client sees them.

A `Document` never changes: an edit makes a new one, so a request may keep the one it came with across an
`await`. It does not read the disk. The server keeps its own documents because pygls' workspace splits lines
at form feeds and U+2028 and then applies the client's edits to the wrong place."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from midfill_lsp.wire.positions import Encoding, body_length, locate, offset_at, position_at, split_lines

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Edit:
    """One change: the text between two client positions (line, character) is replaced; all of it without a
    span."""

    text: str
    span: tuple[tuple[int, int], tuple[int, int]] | None = None


@dataclass(frozen=True, eq=False)
class Document:
    """One version of an open document, held as its lines so that an edit costs the lines it touches."""

    uri: str
    language_id: str
    version: int
    lines: tuple[str, ...]

    @classmethod
    def from_text(cls, uri: str, language_id: str, version: int, text: str) -> Document:
        """A document as `didOpen` brings it."""
        return cls(uri, language_id, version, tuple(split_lines(_well_formed(text))))

    @cached_property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def line_end(self) -> str:
        """The line end of its first line; `\\n` for a document of one line."""
        return self.lines[0][body_length(self.lines[0]) :] or "\n"

    def offset_at(self, line: int, character: int, encoding: Encoding) -> int:
        """Code points before a client's position, clamped to the document."""
        return offset_at(self.lines, line, character, encoding)

    def position_at(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """The client's (line, character) of an offset."""
        return position_at(self.lines, offset, encoding)

    def edited(self, edits: Iterable[Edit], version: int, encoding: Encoding) -> Document:
        """The document after the edits, each of which counts in the text that the one before it left."""
        lines = list(self.lines)
        for edit in edits:
            if edit.span is None:
                lines = split_lines(_well_formed(edit.text))
            else:
                _replace(lines, edit.span, _well_formed(edit.text), encoding)
        return Document(self.uri, self.language_id, version, tuple(lines))


def _well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which no tokenizer can encode; units of all kinds stay
    the same."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _replace(lines: list[str], span: tuple[tuple[int, int], tuple[int, int]], text: str, encoding: Encoding) -> None:
    """Replace a span in place; a span given backwards is read forwards."""
    (first, start), (last, end) = sorted(locate(lines, *place, encoding) for place in span)
    text = lines[first][:start] + text + lines[last][end:]
    # A "\n" put right behind a "\r" joins it to one line end, so the line before must be split again too.
    if first > 0 and text.startswith("\n") and lines[first - 1].endswith("\r"):
        first -= 1
        text = lines[first] + text
    fresh = split_lines(text)
    if last + 1 < len(lines) and fresh[-1] == "":
        fresh.pop()  # the line after it is the document's own
    lines[first : last + 1] = fresh


class DocumentStore:
    """The open documents by uri, as the client spells it."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())

    def find(self, uri: str) -> Document | None:
        return self._documents.get(uri)

    def open(self, document: Document) -> None:
        self._documents[document.uri] = document

    def change(self, uri: str, version: int, edits: Iterable[Edit], encoding: Encoding) -> None:
        """Apply a `didChange`; one for a document that is not open is the client's mistake and only
        logged."""
        document = self._documents.get(uri)
        if document is None:
            logger.warning("ignored a change of a document that is not open")
            return
        self._documents[uri] = document.edited(edits, version, encoding)

    def close(self, uri: str) -> None:
        if self._documents.pop(uri, None) is None:
            logger.warning("ignored the closing of a document that is not open")
