"""What packing counted: documents and tokens by language, objective and kind of hole, and what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from midfill_training.packing.document import Document


@dataclass
class Tally:
    """Counts by name. Tokens are those of a document without its snippets; `written_tokens` those that the model is
    asked to write. `lengths` are documents by the power of two that their tokens come up to."""

    strategies: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    tokens_by_language: Counter[str] = field(default_factory=Counter)
    tokens_by_objective: Counter[str] = field(default_factory=Counter)
    documents_by_kind: Counter[str] = field(default_factory=Counter)
    written_tokens_by_kind: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)

    def count(self, document: Document, language: str) -> None:
        """Count a document."""
        n_tokens = len(document.tokens)
        n_own = n_tokens - document.n_snippets
        kind = f"{document.example.objective} {document.example.kind}"
        self.tokens_by_language[language] += n_own
        self.tokens_by_objective[document.example.objective] += n_own
        self.documents_by_kind[kind] += 1
        self.written_tokens_by_kind[kind] += document.n_written
        self.lengths[str(1 << (n_tokens - 1).bit_length())] += 1
        self.totals["documents"] += 1
        self.totals["documents_with_snippets"] += document.n_snippets > 0
        self.totals["tokens"] += n_tokens
        self.totals["snippets"] += document.n_snippets
        self.totals["loss"] += sum(document.loss)
        self.totals["bytes"] += len(document.example.text.encode(errors="replace"))

    def add(self, other: Tally) -> None:
        """Add what another shard counted."""
        for each in fields(self):
            getattr(self, each.name).update(getattr(other, each.name))
