"""From projects to rows: orders the files, makes a document of each, or several, and fills rows with them.

A document without a hole (NTP) fills a row to its end and goes on in the next: row after row continues. A document
with a hole stays in one row, because behind a row's end its middle would stand without what it is asked from; a file
that is longer than what is left of the row is cut into pieces that fit, each with a hole of its own.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.objectives.sampling import ObjectiveSettings, choose_example
from midfill_training.ordering.strategies import OrderingSettings, order_project
from midfill_training.packing.context import choose_context
from midfill_training.packing.document import Document, DocumentWriter
from midfill_training.packing.filling import Filling
from midfill_training.packing.holdout import Split, held_out_paths
from midfill_training.packing.pieces import MIN_BYTES, Pieces, pieces_of
from midfill_training.packing.rows import Row, token_dtype
from midfill_training.packing.settings import PackingSettings
from midfill_training.packing.tally import Tally

FIRST_BYTES_PER_TOKEN = 3.0  # until a language has shown its own; code runs at 3 to 4
RATE_STEP = 0.1  # how much one document counts in that
SPARE = 0.9  # of the room is filled by what has turned out too long
MAX_PATH_SHARE = 0.25  # of a row: a path of that many bytes leaves room for the rest


@dataclass(frozen=True)
class Recipe:
    """What makes rows of a corpus, besides the tokenizer."""

    format: str = "midfill"
    ordering: OrderingSettings = field(default_factory=OrderingSettings)
    objectives: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    packing: PackingSettings = field(default_factory=PackingSettings)


def pack_projects(
    projects: Iterable[Project], split: Split, pass_number: int, recipe: Recipe, vocabulary: Vocabulary, tally: Tally
) -> Iterator[Row]:
    """The rows of one split in one pass; `tally` has counted them when they end."""
    if split == "fim":
        recipe = replace(recipe, packing=replace(recipe.packing, loss="middle"))
    packer = Packer(recipe, vocabulary, tally)
    for project in projects:
        held = held_out_paths(project, recipe.packing)
        if not any((file.path in held) != (split == "train") for file in project.files):
            continue
        seed = f"{recipe.packing.seed}/{pass_number}"
        ordered = order_project(project, recipe.ordering, seed)
        tally.strategies[ordered.strategy] += 1
        train = [file for file in ordered.files if file.path not in held]
        valid = [file for file in ordered.files if file.path in held]
        rng = random.Random(f"{seed}/{project.name}/{split}")
        yield from packer.pack(train, [], rng) if split == "train" else packer.pack(valid, train, rng)
    yield from packer.end()


class Packer:
    """Fills rows with the documents of one project after the other."""

    def __init__(self, recipe: Recipe, vocabulary: Vocabulary, tally: Tally) -> None:
        self._settings, self._objectives, self._tally = recipe.packing, recipe.objectives, tally
        self._writer = DocumentWriter(recipe.format, vocabulary, recipe.packing.loss, recipe.objectives.spm_share)
        filler = vocabulary.ids[self._writer.format.end]
        self._filling = Filling(recipe.packing.length, filler, token_dtype(len(vocabulary.pieces)))
        self._bytes_per_token: dict[str, float] = defaultdict(lambda: FIRST_BYTES_PER_TOKEN)

    def pack(self, files: Sequence[SourceFile], before: Sequence[SourceFile], rng: random.Random) -> Iterator[Row]:
        """The rows that the files of a project complete; `before` are files of it that are seen as snippets only."""
        seen = [*before]
        most = self._tally.totals["tokens"] + (self._settings.project_tokens or math.inf)
        for file in files:
            if self._tally.totals["tokens"] >= most:
                self._tally.left_out["files of projects that have had their share"] += 1
                continue
            self._pack(file, seen, rng)
            seen.append(file)
            yield from self._filling.take()

    def end(self) -> Iterator[Row]:
        """The last row, if anything is in it."""
        self._filling.end_row()
        self._tally.totals["filler"] = self._filling.n_filler
        return iter(self._filling.take())

    def _pack(self, file: SourceFile, seen: Sequence[SourceFile], rng: random.Random) -> None:
        if not file.text.strip():
            self._tally.left_out["files without text"] += 1
            return
        self._tally.files[file.language] += 1
        path = self._path(file.path, rng)
        shares = self._objectives
        if rng.random() < shares.ntp / (shares.ntp + shares.fim + shares.sfim):
            example = choose_example(file.text, file.language, rng, replace(shares, ntp=1, fim=0, sfim=0))
            self._put(self._writer.write(example, path, (), rng), file)
            return
        pieces = pieces_of(file)
        start = 0
        while start < len(pieces):
            document, end = self._piece(file, path, pieces, start, seen, rng)
            self._learn_rate(file.language, end - start, len(document.tokens) - document.n_snippets)
            self._tally.left_out["files cut into pieces, at this many places"] += end < len(pieces)
            self._put(document, file)
            start = end

    def _path(self, path: str, rng: random.Random) -> str:
        if len(path.encode(errors="replace")) > self._settings.length * MAX_PATH_SHARE:
            self._tally.left_out["paths that are too long for a row"] += 1
            return ""
        return "" if rng.random() < self._settings.path_dropout else path

    def _piece(
        self, file: SourceFile, path: str, pieces: Pieces, start: int, seen: Sequence[SourceFile], rng: random.Random
    ) -> tuple[Document, int]:
        """The document of the next piece of a file, which fits the row, and where the piece ends."""
        objectives = replace(self._objectives, ntp=0)
        rate = self._bytes_per_token[file.language]
        n_rest = (len(pieces) - start) / rate
        if n_rest > self._filling.room * SPARE and self._is_scarce(self._filling.room):
            self._filling.end_row()
        n_snippets = self._snippet_tokens(n_rest, rng)
        scale = rate
        while True:
            room = self._filling.room
            own_bytes = max(scale * (room - n_snippets), 1)
            end = pieces.cut(start, int(own_bytes))
            example = choose_example(pieces.text(start, end), file.language, rng, objectives)
            snippets = choose_context(example, seen, int(scale * n_snippets), self._settings.chunk_share, rng)
            document = self._writer.write(example, path, snippets, rng)
            if len(document.tokens) <= room:
                return document, end
            if self._is_scarce(room) or (own_bytes < MIN_BYTES and room < self._settings.length):
                self._filling.end_row()
            else:
                scale *= SPARE * room / len(document.tokens)

    def _is_scarce(self, room: int) -> bool:
        """Whether a hole in so little would be asked from next to nothing: filling is better."""
        return room < self._settings.min_room * self._settings.length

    def _snippet_tokens(self, n_rest: float, rng: random.Random) -> float:
        """How many tokens snippets may have before the rest of a file: what it leaves, or a share where it is cut."""
        settings, room = self._settings, self._filling.room
        share = rng.random() * settings.max_context_share if rng.random() < settings.context_share else 0.0
        return min(share * settings.length, room - n_rest if n_rest < room else share * room)

    def _learn_rate(self, language: str, n_bytes: int, n_tokens: int) -> None:
        if n_bytes >= MIN_BYTES:  # in less, the header counts too much
            rate = self._bytes_per_token[language]
            self._bytes_per_token[language] = rate + RATE_STEP * (n_bytes / n_tokens - rate)

    def _put(self, document: Document, file: SourceFile) -> None:
        group = file.project if self._settings.group == "project" else self._tally.totals["documents"]
        self._filling.put(document.tokens, document.loss, document.example.objective, group)
        self._tally.count(document, file.language)
