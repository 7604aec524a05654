"""Keeps the rows of one workspace true to its files and open buffers; runs in the index's own process.

It is told what has changed, and does the work in small steps, so that the newest news always come first. Times are
those of `time.monotonic`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from midfill_context.index.buffers import Buffer
from midfill_context.index.messages import FromProcess, Reading, Scanned, Update
from midfill_context.index.reading import Row, read_file, row_of
from midfill_context.index.store import Store
from midfill_context.index.walking import Folder, Stamp, Walker, changes_rules, is_below, printable

QUIET_S = 0.02  # so long nothing may happen before a change is looked at ...
PATIENCE_S = 0.25  # ... but not longer than this after it
TYPING_S = 0.1  # the same for what is typed
CRASHED = "crashed the parser"
_BATCH = 64

Tell = Callable[[FromProcess], None]


class Indexer:
    """Used by one thread. `tell` takes what is new; `store` keeps it for the next time."""

    def __init__(self, root: Path, tell: Tell, store: Store | None = None, avoid: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._tell = tell
        self._store = store
        self._avoid = avoid
        self._walker = Walker(root)
        self._known: dict[str, Stamp] = {}  # what was read, wanted or not
        self._unwanted = dict.fromkeys(avoid, CRASHED)  # why nothing is kept of files that were read
        self._todo: dict[str, None] = {}  # files to read, the last one first
        self._buffers: dict[str, Buffer] = {}
        self._touched = _Waiting(QUIET_S)
        self._typed = _Waiting(TYPING_S)
        self.is_cut = False
        self.has_moved_folders = False  # since the last scan; what happens in such folders may go unreported

    # What is told

    def scan(self) -> None:
        """Look at the whole workspace. The first time, what the store has of it is taken over.

        What is told to be left out is exact after this; of folders that go, until then, only the files are reported.
        """
        self.has_moved_folders = False
        self._walker.forget()
        listing = self._walker.walk()
        self.is_cut = listing.is_cut
        self._drop([path for path in self._held() if path not in listing.files])
        if not self._known and self._store:
            self._load(self._store, listing.files)
        places = dict.fromkeys([*listing.files, *self._buffers])
        skipped = listing.skipped | {path: why for path, why in self._unwanted.items() if path in places}
        skipped |= {path: why for path in self._buffers if (why := self._walker.why_not(path))}
        self._tell(Scanned(frozenset(path for path in places if path not in skipped), skipped, listing.n_no_code))
        for path in reversed(listing.files):
            self._see(path, listing.files[path])
        self._typed.add(self._buffers)

    def changed(self, paths: Iterable[str]) -> None:
        """Files or folders may have come, changed or vanished."""
        self._touched.add(paths)

    def open(self, path: str, text: str) -> None:
        self._buffers[path] = Buffer(path, text)
        self._todo.pop(path, None)
        self._typed.add([path])

    def edit(self, path: str, start: int, end: int, new: str) -> None:
        if path in self._buffers:
            self._buffers[path].edit(start, end, new)
            self._typed.add([path])

    def close(self, path: str) -> None:
        if self._buffers.pop(path, None):
            self._known.pop(path, None)
            self._touched.add([path])

    # What is done

    def wait_s(self) -> float | None:
        """How long there is nothing to do; None for as long as nothing is told."""
        if self._todo:
            return 0
        due = [waiting.due for waiting in (self._touched, self._typed) if waiting]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def step(self, *, hurry: bool = False) -> None:
        """Do one piece of what there is to do; in a hurry nothing waits for quiet."""
        now = float("inf") if hurry else time.monotonic()
        if self._touched and self._touched.due <= now:
            self._look(self._touched.take())
        elif self._typed and self._typed.due <= now:
            self._reparse(self._typed.take())
        elif self._todo:
            self._read(self._todo.popitem()[0])

    def is_idle(self) -> bool:
        return not (self._todo or self._touched or self._typed)

    def _load(self, store: Store, files: dict[str, Stamp]) -> None:
        """Take over what was saved and is still true."""
        rows: list[Row] = []
        untrue: list[str] = []
        for row, stamp in store.rows():
            if files.get(row.path) != stamp:
                untrue.append(row.path)
                continue
            self._known[row.path] = stamp
            if row.path not in self._buffers:
                rows.append(row)
            if len(rows) == _BATCH:
                self._tell(Update(tuple(rows)))
                rows = []
        self._tell(Update(tuple(rows)))
        store.remove(untrue)

    def _look(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        if any(changes_rules(path) for path in paths):
            self.scan()
            return
        for path in paths:
            if path.startswith(".git/"):
                continue
            found = self._walker.look_at(path)
            if isinstance(found, Folder):
                self._look_below(path)
            elif isinstance(found, Stamp):
                self._see(path, found)
            else:
                self._vanish(path, found)

    def _look_below(self, folder: str) -> None:
        self.has_moved_folders = True
        self._walker.forget(folder)
        listing = self._walker.walk(folder)
        self._drop([path for path in self._held() if is_below(path, folder) and path not in listing.files])
        for path, stamp in listing.files.items():
            self._see(path, stamp)
        if listing.skipped:
            self._tell(Update(skipped=listing.skipped))

    def _vanish(self, path: str, reason: str | None) -> None:
        """Nothing that may be read is at a path any more, be it a file or a folder that was there."""
        if self._walker.has_entered(path):
            self.has_moved_folders = True
            self._walker.forget(path)
            self._drop([held for held in self._held() if is_below(held, path)])
        elif path in self._known or path in self._todo:
            self._drop([path])
        elif path not in self._buffers:
            self._tell(Update(gone=(path,)))
        if reason:
            self._tell(Update(skipped={printable(path): reason}))

    def _held(self) -> list[str]:
        """The files that were read and those that are to be read."""
        return list(self._known | self._todo)

    def _see(self, path: str, stamp: Stamp) -> None:
        self._todo.pop(path, None)
        if path not in self._avoid and path not in self._buffers and self._known.get(path) != stamp:
            self._todo[path] = None

    def _drop(self, paths: list[str]) -> None:
        for path in paths:
            self._known.pop(path, None)
            self._unwanted.pop(path, None)
            self._todo.pop(path, None)
        if self._store:
            self._store.remove(paths)
        gone = tuple(path for path in paths if path not in self._buffers)
        if gone:
            self._tell(Update(gone=gone))

    def _read(self, path: str) -> None:
        self._tell(Reading(path))
        found = read_file(self._root, path)
        if isinstance(found, str):
            self._drop([path])
            self._tell(Update(skipped={path: found}))
            return
        data, stamp = found
        self._known[path] = stamp
        row = row_of(path, data)
        if self._store and isinstance(row, Row):
            self._store.put(row, stamp)
        self._tell_row(path, row)

    def _reparse(self, paths: Iterable[str]) -> None:
        for path in paths:
            buffer = self._buffers.get(path)
            if buffer and path not in self._avoid:
                self._tell(Reading(path))
                row = self._walker.why_not(path) or buffer.row()
                if row is not None:
                    self._tell_row(path, row)

    def _tell_row(self, path: str, row: Row | str) -> None:
        if isinstance(row, Row):
            self._unwanted.pop(path, None)
            self._tell(Update((row,)))
        else:
            self._unwanted[path] = row
            self._tell(Update(gone=(path,), skipped={path: row}))


class _Waiting:
    """Paths that wait until nothing happens to them for a while."""

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._paths: dict[str, None] = {}
        self._first = self._last = 0.0

    def __bool__(self) -> bool:
        return bool(self._paths)

    @property
    def due(self) -> float:
        return min(self._last + self._quiet_s, self._first + max(PATIENCE_S, self._quiet_s))

    def add(self, paths: Iterable[str]) -> None:
        self._last = time.monotonic()
        if not self._paths:
            self._first = self._last
        self._paths.update(dict.fromkeys(paths))

    def take(self) -> Iterator[str]:
        paths, self._paths = self._paths, {}
        return iter(paths)
