"""The projects a client has open: of each workspace folder the index, and the retriever that picks snippets from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeVar, cast

from midfill_lsp.documents import Document, DocumentStore
from midfill_lsp.wire.logs import describe_error
from midfill_lsp.workspace import locate, path_of

if TYPE_CHECKING:
    from midfill_context.cursor import Cursor
    from midfill_context.retrieval.retriever import Retrieved
    from midfill_context.retrieval.windows import Similarity

logger = logging.getLogger(__name__)

T = TypeVar("T")
Warn = Callable[[str], None]

REFRESH_S = 1.0  # how long similar chunks may lag behind a change on the disk
ANSWER_S = 0.1  # the retriever keeps a shorter limit itself; this one is for a disk that hangs
SETTLE_S = 0.25  # how long the end of the server may be held up by waiting for an index


class Project:
    """One workspace folder. Nothing here waits for the retriever, which works in a thread of its own."""

    def __init__(self, root: Path, max_snippet_tokens: int, similarity: str, warn: Warn) -> None:
        # Parsers and the index are loaded where somebody wants snippets only.
        from midfill_context.index.workspace import WorkspaceIndex
        from midfill_context.retrieval.retriever import RetrievalSettings, Retriever

        self.index = WorkspaceIndex(root, warn)
        settings = RetrievalSettings(max_snippet_tokens, similarity=cast("Similarity", similarity))
        self._retriever = Retriever(self.index, settings)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retriever")
        self._latest: dict[str, Retrieved] = {}
        self._refreshing = asyncio.create_task(self._refresh())

    async def retrieve(self, cursor: Cursor) -> Retrieved | None:
        """The snippets for a cursor in a file of this project; those of the file's last request where that hangs."""
        work = self._run(self._retriever.snippets, cursor)
        done, _ = await asyncio.wait({work}, timeout=ANSWER_S)
        if done:
            self._latest[cursor.path] = work.result()
        else:
            work.cancel()
        return self._latest.get(cursor.path)

    def edited(self, path: str, line: int) -> None:
        """The user changed a line, which counts from 1."""
        self._thread.submit(self._retriever.edited, path, line)

    def visited(self, path: str, line: int) -> None:
        """The user's cursor is at a line, which counts from 1."""
        self._thread.submit(self._retriever.visited, path, line)

    def close(self, path: str) -> None:
        """A file is closed: what counts is the disk again."""
        self._latest.pop(path, None)
        self.index.close(path)
        self._thread.submit(self._retriever.forget, path)

    async def settled(self) -> None:
        """Returns when all files that are there now are in the index."""
        while not await asyncio.to_thread(self.index.settle, SETTLE_S):
            pass

    def stop(self, *, wait: bool = False) -> None:
        """End the index's process, which saves first, and the thread; wait for the thread if so wished."""
        self._refreshing.cancel()
        self.index.stop()
        self._thread.shutdown(wait, cancel_futures=True)

    def _run(self, call: Callable[..., T], *args: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def _refresh(self) -> None:
        while True:
            try:
                has_more = await self._run(self._retriever.refresh)
            except Exception as error:  # snippets of yesterday are better than a server without any
                logger.error("similar chunks were not brought up to date: %s", describe_error(error))
                has_more = False
            await asyncio.sleep(0 if has_more else REFRESH_S)


class Projects:
    """The client's workspace folders by uri. Without a budget for snippets nothing in them is read."""

    def __init__(self, documents: DocumentStore, warn: Warn, on_new: Callable[[Project], None]) -> None:
        self._documents = documents
        self._warn = warn
        self._on_new = on_new
        self._roots: dict[str, PurePath] = {}
        self._projects: dict[PurePath, Project] = {}
        self._max_snippet_tokens = 0
        self._similarity = ""

    @property
    def folders(self) -> tuple[PurePath, ...]:
        return tuple(self._roots.values())

    def add(self, uri: str) -> None:
        """A folder of the workspace, by its uri; one that is not on a disk is left out."""
        root = path_of(uri)
        if root is not None:
            self._roots[uri] = root
            self._update()

    def remove(self, uri: str) -> None:
        """The folder is not part of the workspace any more."""
        self._roots.pop(uri, None)
        self._update()

    def allow(self, max_snippet_tokens: int, similarity: str) -> None:
        """From now on so many tokens of a prompt may be snippets, found by this measure; with 0 all indexes end."""
        if (max_snippet_tokens, similarity) != (self._max_snippet_tokens, self._similarity):
            self.stop()
            self._max_snippet_tokens, self._similarity = max_snippet_tokens, similarity
            self._update()

    def stop(self, *, wait: bool = False) -> None:
        """End every index."""
        for project in self._projects.values():
            project.stop(wait=wait)
        self._projects.clear()

    def took(self, document: Document, line: int | None = None) -> None:
        """A document is open with this text now; `line`, from 1, is where it was changed."""
        if place := self._place(document.uri):
            project, path = place
            project.index.open(path, document.text)
            if line is not None:
                project.edited(path, line)

    def close(self, uri: str) -> None:
        """A document is closed."""
        if place := self._place(uri):
            place[0].close(place[1])

    def changed(self, uris: Iterable[str]) -> None:
        """Files or folders on the disk came, changed or vanished."""
        for uri in uris:
            if place := self._place(uri):
                place[0].index.changed([place[1]])

    async def retrieve(self, uri: str, cursor: Cursor) -> Retrieved | None:
        """The snippets for a cursor in a document; `None` where it belongs to no project."""
        place = self._place(uri)
        if place is None:
            return None
        place[0].visited(place[1], cursor.prefix.count("\n") + 1)
        return await place[0].retrieve(cursor)

    def _place(self, uri: str) -> tuple[Project, str] | None:
        path = path_of(uri)
        found = path and locate(path, self._projects)
        return (self._projects[found[0]], found[1]) if found else None

    def _update(self) -> None:
        """Start what is missing, stop what is too many."""
        for document in self._documents:  # the innermost folder of a document may be another one afterwards
            self.close(document.uri)
        wanted = set(self._roots.values()) if self._max_snippet_tokens else set()
        for root in self._projects.keys() - wanted:
            self._projects.pop(root).stop()
        for root in wanted - self._projects.keys():
            project = self._projects[root] = Project(Path(root), self._max_snippet_tokens, self._similarity, self._warn)
            self._on_new(project)
        for document in self._documents:
            self.took(document)
