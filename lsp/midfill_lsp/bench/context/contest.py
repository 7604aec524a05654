"""The ways to find snippets that benchmarks compare, at the same cursors and with the same budget.

Plain BM25 over all files of the project; the same over ten files, because others look at what is open. Which files
were open nobody knows: here they are the ones beside the cursor's. The file with the hole is an open buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from midfill_context.cursor import Cursor, Snippet
from midfill_context.imports.project import ancestors, folder_of
from midfill_context.index.workspace import WorkspaceIndex
from midfill_context.retrieval.retriever import RetrievalSettings, Retriever
from midfill_lsp.bench.context.punching import Call, punch, python_texts
from midfill_lsp.bench.context.windows import WINDOW_LINES, Windows
from midfill_lsp.bench.figures import Progress

OURS, BM25, BESIDE = "midfill", "BM25 windows", "BM25 in ten files beside"
N_BESIDE = 10
TIMEOUT_S = 600.0

CountTokens = Callable[[str], int]
Method = Callable[[Cursor], Sequence[Snippet]]


@dataclass(frozen=True)
class Turn:
    """A call that was cut out of a project, and what finds snippets there, by name."""

    project: str
    call: Call
    methods: Mapping[str, Method]


def contest(
    folders: Sequence[Path], n_cursors: int, max_tokens: int, count_tokens: CountTokens, progress: Progress
) -> Iterator[Turn]:
    """So many cursors, spread evenly over the projects; no method exceeds `max_tokens`.

    Raises ValueError for a folder without calls of what another of its files defines.
    """
    for place, folder in enumerate(folders):
        texts = python_texts(folder)
        calls = punch(texts, n_cursors // len(folders) + (place < n_cursors % len(folders)))
        if not calls:
            raise ValueError(f"{folder} has no calls of what another file defines; is it a Python project?")
        with _methods(folder, texts, max_tokens, count_tokens) as methods:
            for number, call in enumerate(calls, 1):
                progress(f"{folder.name}: {number} of {len(calls)}")
                yield Turn(folder.name, call, methods)


@contextmanager
def _methods(
    folder: Path, texts: Mapping[str, str], max_tokens: int, count_tokens: CountTokens
) -> Iterator[Mapping[str, Method]]:
    windows = Windows(texts)

    def bm25(cursor: Cursor) -> Sequence[Snippet]:
        return filled(windows.search(_query(cursor), texts.keys() - {cursor.path}), max_tokens, count_tokens)

    def beside(cursor: Cursor) -> Sequence[Snippet]:
        return filled(windows.search(_query(cursor), _beside(cursor.path, texts)), max_tokens, count_tokens)

    with our_method(folder, max_tokens, count_tokens) as ours:
        yield {OURS: ours, BM25: bm25, BESIDE: beside}


@contextmanager
def our_method(folder: Path, max_tokens: int, count_tokens: CountTokens) -> Iterator[Method]:
    """midfill's retrieval in a folder. How fast it is on this machine today is another benchmark's figure."""
    index = WorkspaceIndex(folder, store=None, is_watched=False)
    retriever = Retriever(index, RetrievalSettings(max_tokens=max_tokens, time_limit_ms=float("inf")))

    def settle() -> None:
        if not index.settle(TIMEOUT_S):
            raise ValueError(f"{folder} could not be indexed in time")
        while retriever.refresh():
            pass

    def ours(cursor: Cursor) -> Sequence[Snippet]:
        index.open(cursor.path, cursor.prefix + cursor.suffix)
        settle()
        found = retriever.snippets(cursor, count_tokens).snippets
        retriever.forget(cursor.path)
        index.close(cursor.path)
        return found

    try:
        yield ours
    finally:
        index.stop(TIMEOUT_S)


def _query(cursor: Cursor) -> str:
    """The lines around a cursor, as many on each side as a window has."""
    before, after = cursor.prefix.split("\n")[-WINDOW_LINES:], cursor.suffix.split("\n")[:WINDOW_LINES]
    return "\n".join((*before, *after))


def _beside(path: str, paths: Iterable[str]) -> list[str]:
    """The files nearest in the tree: those with most folders in common, of these the neighbours by name."""
    ordered = sorted({path, *paths})
    place, own = ordered.index(path), set(ancestors(folder_of(path)))

    def distance(number: int) -> tuple[int, int]:
        return -len(own.intersection(ancestors(folder_of(ordered[number])))), abs(number - place)

    nearest = sorted((number for number in range(len(ordered)) if number != place), key=distance)
    return [ordered[number] for number in nearest[:N_BESIDE]]


def filled(snippets: Iterable[Snippet], max_tokens: int, count_tokens: CountTokens) -> list[Snippet]:
    """The first snippets that fit, the best one last, as near to the cursor as snippets come."""
    kept: list[Snippet] = []
    for snippet in snippets:
        n_tokens = count_tokens(snippet.chunk.text)
        if n_tokens > max_tokens:
            break
        max_tokens -= n_tokens
        kept.insert(0, snippet)
    return kept
