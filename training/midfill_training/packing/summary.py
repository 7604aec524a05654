"""What packing came to: figures for the manifest, a page to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.packing.holdout import Split
from midfill_training.packing.rows import Row, Rows, open_rows
from midfill_training.packing.tally import Tally
from midfill_training.report.page import Sample, Section, Table, settings_table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_SAMPLES = 6


@dataclass(frozen=True)
class Summary:
    """One split."""

    split: Split
    folder: Path
    n_rows: int
    length: int
    tally: Tally

    def figures(self) -> dict[str, Any]:
        """Plain data, the most frequent names first."""
        n_places = self.n_rows * self.length
        shares = {name: round(self.tally.totals[name] / max(n_places, 1), 4) for name in ("filler", "snippets", "loss")}
        counts = {name: dict(each.most_common()) for name, each in vars(self.tally).items()}
        return {"rows": self.n_rows, "places": n_places, "shares": shares, **counts}


def write_report(path: Path, summaries: Sequence[Summary], settings: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    """Write the page. Raises OutputError."""
    sections = [section for summary in summaries if summary.n_rows for section in _sections(summary, vocabulary)]
    tables = [
        Section(f"Settings: {name}", [settings_table(each) if isinstance(each, Mapping) else str(each)])
        for name, each in settings.items()
    ]
    write_page(path, "Rows of tokens", [*sections, *tables])


def _sections(summary: Summary, vocabulary: Vocabulary) -> list[Section]:
    tally = summary.tally
    tables = [
        _shares("language", tally.tokens_by_language, "tokens"),
        _shares("objective", tally.tokens_by_objective, "tokens"),
        _shares("order of the project", tally.strategies, "projects"),
    ]
    return [
        Section(f"{summary.split}: {summary.n_rows:,} rows", [_overview(summary), *tables]),
        Section(f"{summary.split}: holes", [_kinds(tally)]),
        Section(f"{summary.split}: lengths of documents", [_histogram(tally.lengths, summary.length)]),
        Section(f"{summary.split}: what was left out or cut", [Table(("what", "files"), tally.left_out.most_common())]),
        Section(f"{summary.split}: rows to look at", _samples(open_rows(summary.folder), vocabulary)),
    ]


def _overview(summary: Summary) -> Table:
    totals = summary.tally.totals
    n_places = summary.n_rows * summary.length
    seconds = totals["milliseconds"] / 1000
    rows = [
        ("tokens", totals["tokens"], totals["tokens"] / n_places),
        ("of them, snippets of other files", totals["snippets"], totals["snippets"] / n_places),
        ("of them, counted by the loss", totals["loss"], totals["loss"] / n_places),
        ("filling", totals["filler"], totals["filler"] / n_places),
        ("documents", totals["documents"], ""),
        ("documents with snippets", totals["documents_with_snippets"], ""),
        ("bytes of source", totals["bytes"], ""),
        ("MB/s of one processor", totals["bytes"] / 1e6 / max(seconds, 1e-3), ""),
        ("tokens/s of one processor", totals["tokens"] / max(seconds, 1e-3), ""),
    ]
    return Table(("what", "how many", "share of all places"), rows)


def _shares(name: str, counts: Counter[str], of: str) -> Table:
    total = max(counts.total(), 1)
    return Table((name, of, "share"), [(key or "(none)", n, n / total) for key, n in counts.most_common()])


def _kinds(tally: Tally) -> Table:
    total = max(tally.documents_by_kind.total(), 1)
    kinds = tally.documents_by_kind.most_common()
    rows = [(kind, n, n / total, tally.written_tokens_by_kind[kind] / n) for kind, n in kinds]
    return Table(("objective and kind", "documents", "share", "tokens to write"), rows)


def _histogram(lengths: Counter[str], row_length: int) -> Figure:
    from matplotlib.figure import Figure

    names = sorted(lengths, key=int)
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.bar([f"≤ {int(name):,}" for name in names], [lengths[name] for name in names])
    axes.set_xlabel(f"tokens, in rows of {row_length:,}")
    axes.set_ylabel("documents")
    return figure


def _samples(rows: Rows, vocabulary: Vocabulary) -> list[Sample]:
    """Rows from all over the place."""
    places = np.unique(np.linspace(0, len(rows) - 1, N_SAMPLES).astype(int))
    return [Sample(f"row {at:,}", row_text(rows.row(at), vocabulary)) for at in places]


def row_text(row: Row, vocabulary: Vocabulary) -> str:
    """What a row says, with sentinels in ⟦⟧; a line tells where a group begins and where the loss stops to count."""
    text = bytearray()
    marks = zip(row.group.tolist(), row.loss.tolist(), strict=True)
    for (group, counts), run in groupby(zip(marks, row.tokens.tolist(), strict=True), key=lambda each: each[0]):
        tokens = [token for _, token in run]
        if not group:
            return text.decode(errors="replace") + f"\n--- {len(tokens)} tokens of filling\n"
        text += f"\n--- group {group}, {'' if counts else 'not '}counted by the loss\n".encode()
        text += b"".join(vocabulary.pieces[token] or f"⟦{vocabulary.text(token)}⟧".encode() for token in tokens)
    return text.decode(errors="replace")
