"""How well a tokenizer fits a corpus, by language, and the page that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import SourceFile
from midfill_training.report.page import Sample, Section, Table, settings_table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED_CHARS = 1_000_000  # of each language
SHOWN_CHARS = 1200
SHOWN_PIECES = 60


@dataclass(frozen=True)
class Compression:
    """What was measured of one language."""

    language: str
    n_chars: int
    n_tokens: int

    @property
    def chars_per_token(self) -> float:
        """The more, the more text a model sees in its context."""
        return self.n_chars / max(self.n_tokens, 1)


def compressions(files: Iterable[SourceFile], vocabulary: Vocabulary) -> tuple[Compression, ...]:
    """Of each language, from as many of the files as are enough to tell; the most text first."""
    n_chars: dict[str, int] = {}
    n_tokens: dict[str, int] = {}
    for file in files:
        if n_chars.setdefault(file.language, 0) < MEASURED_CHARS:
            n_chars[file.language] += len(file.text)
            n_tokens[file.language] = n_tokens.get(file.language, 0) + len(vocabulary.encode(file.text))
    order = sorted(n_chars, key=lambda language: (-n_chars[language], language))
    return tuple(Compression(language, n_chars[language], n_tokens[language]) for language in order)


def write_report(
    path: Path,
    measured: Sequence[Compression],
    settings: Mapping[str, object],
    vocabulary: Vocabulary,
    example: SourceFile,
) -> None:
    """Write the page. Raises OutputError."""
    rows = [(each.language, each.n_chars, each.n_tokens, each.chars_per_token) for each in measured]
    sections = [
        Section(
            "Characters a token",
            [
                "Measured on text that the tokenizer has learned from.",
                _plot(measured),
                Table(("language", "characters measured", "tokens", "characters a token"), rows),
            ],
        ),
        Section(
            f"{len(vocabulary.pieces):,} tokens",
            [
                Sample("the longest pieces", "\n".join(_longest(vocabulary))),
                Sample(f"{example.path}, its tokens between bars", _split(example.text[:SHOWN_CHARS], vocabulary)),
            ],
        ),
        Section("Settings", [settings_table(settings)]),
    ]
    write_page(path, "Tokenizer", sections)


def _plot(measured: Sequence[Compression]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.3 * len(measured)), layout="constrained")
    axes = figure.subplots()
    axes.barh([each.language or "(none)" for each in measured], [each.chars_per_token for each in measured])
    axes.invert_yaxis()
    axes.set_xlabel("characters a token")
    return figure


def _longest(vocabulary: Vocabulary) -> list[str]:
    pieces = sorted(vocabulary.pieces, key=lambda piece: (-len(piece), piece))
    return [repr(piece.decode(errors="replace")) for piece in pieces[:SHOWN_PIECES]]


def _split(text: str, vocabulary: Vocabulary) -> str:
    return b"|".join(vocabulary.pieces[token] for token in vocabulary.encode(text)).decode(errors="replace")
