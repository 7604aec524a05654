"""What else in a workspace bears on a cursor: definitions, similar chunks and recent places, within a budget."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_context.index.view import IndexView
from midfill_context.retrieval.candidates import Candidate, Source, fused, said_by
from midfill_context.retrieval.choosing import Budget
from midfill_context.retrieval.definitions import Wanted, wanted_definitions
from midfill_context.retrieval.names import Names
from midfill_context.retrieval.placing import Placed, placed_anew
from midfill_context.retrieval.recent import Place, RecentPlaces
from midfill_context.retrieval.rendering import definitions_chunk
from midfill_context.retrieval.similar import SimilarChunks
from midfill_context.retrieval.surroundings import surroundings
from midfill_context.retrieval.texts import Texts, blanked
from midfill_context.retrieval.windows import Similarity
from midfill_context.syntax.definitions import Definition

_N_DOCUMENTS = 32
_N_DEFINITIONS = 80
_N_RECENT = 6
_RECENT_LINES = (6, 14)  # shown before and after a place
_LOOKING = 0.8  # of the time; the rest is for choosing among what was found
_KNOWN_CHARS = 100_000  # of the file before and after the cursor that is not repeated
_STEP_MS = 3.0  # of `refresh`, which other threads wait for at most


@dataclass(frozen=True)
class RetrievalSettings:
    """`max_tokens` are those of all snippets together; after `time_limit_ms` what is there is used.

    The shares say which part of the tokens each source is sure of.
    """

    max_tokens: int = 1024
    time_limit_ms: float = 30.0
    similarity: Similarity = "bm25"
    definitions_share: float = 0.5
    similar_share: float = 0.5
    recent_share: float = 0.2


@dataclass(frozen=True)
class Retrieved:
    """The snippets of one request in the order of the prompt; `is_complete` is False where time ran out.

    `snippet_tokens` are those of each snippet, its path included.
    """

    snippets: tuple[Snippet, ...] = ()
    snippet_tokens: tuple[int, ...] = ()
    elapsed_ms: float = 0.0
    is_complete: bool = True

    @property
    def n_tokens(self) -> int:
        return sum(self.snippet_tokens)


def estimated_tokens(text: str) -> int:
    """About what a tokenizer for code makes of a text, rather too many than too few."""
    return len(text) // 3 + 1


class Retriever:
    """Retrieval for one workspace; keeps the order of snippets per document.

    `refresh` may be called by a second thread at any time; the other methods by one thread at a time. Before the first
    `refresh` there are no snippets, because secrets cannot be blanked yet.
    """

    def __init__(self, view: IndexView, settings: RetrievalSettings = RetrievalSettings()) -> None:
        self._view = view
        self._settings = settings
        self._texts = Texts(view)
        self._similar = SimilarChunks(view, self._texts)
        self._recent = RecentPlaces()
        self._documents: OrderedDict[str, tuple[int, list[Placed]]] = OrderedDict()  # with the generation they are of
        self._is_ready = False

    def snippets(self, cursor: Cursor, count_tokens: Callable[[str], int] = estimated_tokens) -> Retrieved:
        """The snippets for a cursor."""
        if not self._is_ready:
            return Retrieved(is_complete=False)
        began = time.perf_counter()
        end = began + self._settings.time_limit_ms / 1000 * _LOOKING
        was_late = False

        def is_late() -> bool:
            nonlocal was_late
            was_late = was_late or time.perf_counter() > end
            return was_late

        generation, placed = self._still_true(cursor.path)
        names = Names(self._view)
        candidates = fused(self._rankings(cursor, names, is_late))
        known = said_by(cursor.prefix[-_KNOWN_CHARS:] + cursor.suffix[:_KNOWN_CHARS])
        budget, render = self._budget(count_tokens), partial(_render, names)
        placed = placed_anew(candidates, placed, known, budget, render, is_complete=not was_late)
        self._documents[cursor.path] = generation, placed
        if len(self._documents) > _N_DOCUMENTS:
            self._documents.popitem(last=False)
        return Retrieved(
            tuple(one.snippet for one in placed),
            tuple(one.n_tokens for one in placed),
            (time.perf_counter() - began) * 1000,
            not was_late,
        )

    def visited(self, path: str, line: int) -> None:
        """The user has looked at a line, which counts from 1."""
        self._recent.add(Place(path, line, is_edited=False))

    def edited(self, path: str, line: int) -> None:
        """The user has changed a line, which counts from 1."""
        self._recent.add(Place(path, line, is_edited=True))

    def forget(self, path: str) -> None:
        """A document was closed."""
        self._documents.pop(path, None)

    def refresh(self) -> bool:
        """Take in some of what changed in the workspace, for a few milliseconds; True while more remains.

        The first time this loads what finds secrets: 0.6 s.
        """
        if not self._is_ready:
            blanked("")
            self._is_ready = True
        return self._similar.refresh(_STEP_MS)

    def _still_true(self, path: str) -> tuple[int, list[Placed]]:
        """The generation now, and the last snippets of a document but those whose file has changed since."""
        generation, placed = self._documents.pop(path, (sys.maxsize, []))
        generation, changed = self._view.changed_since(generation)
        return generation, [one for one in placed if one.snippet.chunk.path not in changed]

    def _rankings(self, cursor: Cursor, names: Names, is_late: Callable[[], bool]) -> Iterator[Sequence[Candidate]]:
        around = surroundings(cursor)
        yield [
            Candidate(
                "definitions",
                wanted.path,
                wanted.definition.first_line,
                wanted.definition.last_line,
                wanted.why,
                partial(_text, names, wanted),
                wanted.definition,
            )
            for wanted in wanted_definitions(cursor, around, names, _N_DEFINITIONS, is_late)
        ]
        yield [
            self._lines("similar", path, window.first_line, window.last_line, "similar code")
            for path, window in self._similar.find(cursor, around, self._settings.similarity, is_late)
        ]
        before, after = _RECENT_LINES
        yield [
            self._lines("recent", path, line - before, line + after, "edited lately" if is_edited else "seen lately")
            for path, line, is_edited in self._recent.outside(cursor.path)[:_N_RECENT]
            if not is_late()
        ]

    def _lines(self, source: Source, path: str, first: int, last: int, why: str) -> Candidate:
        text = self._texts.of(path)
        first, last = max(1, first), min(last, len(text.lines))
        return Candidate(source, path, first, last, why, partial(text.shown, first, last))

    def _budget(self, count_tokens: Callable[[str], int]) -> Budget:
        settings = self._settings
        shares: dict[Source, float] = {
            "definitions": settings.definitions_share,
            "similar": settings.similar_share,
            "recent": settings.recent_share,
        }
        return Budget(settings.max_tokens, shares, lambda chunk: count_tokens(f"{chunk.path}\n{chunk.text}\n"))


def _text(names: Names, wanted: Wanted) -> str:
    return _render(names, wanted.path, [wanted.definition]).text


def _render(names: Names, path: str, definitions: Sequence[Definition]) -> Chunk:
    facts = names.facts(path)
    assert facts is not None  # out of which the definitions are
    heads = {known.scope: head for known in definitions if (head := names.class_of(path, known.scope))}
    return definitions_chunk(path, facts, definitions, heads.values())
