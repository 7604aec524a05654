"""The index of one workspace, as the language server and retrieval see it (`IndexView`).

The work is done in a process of its own (`process.py`); here its rows are kept and looked things up in. No method
waits for that process, `settle` and `stop` excepted, and any thread may call any of them.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from midfill_context.imports.project import ProjectFiles, Target
from midfill_context.imports.resolution import implicit_targets, targets
from midfill_context.index.buffers import changed_span
from midfill_context.index.messages import (
    Changed,
    Close,
    Edit,
    FromProcess,
    Open,
    Reading,
    Scanned,
    Start,
    Sync,
    Synced,
    ToProcess,
    Update,
    Warn,
    receive,
    send,
)
from midfill_context.index.reading import Row, read_file, unpacked
from midfill_context.index.store import store_path
from midfill_context.syntax.facts import FileFacts
from midfill_context.syntax.imported import Import

T = TypeVar("T")

MAX_CRASHES = 5
BACK_OFF_S = 1.0
_N_AT_ONCE = 32  # rows taken in under one lock ...
_HOLD_S = 0.001  # ... and how long it may be taken again and again before others get their turn
_N_UNPACKED = 256  # files whose facts are kept as objects
_SAVED = Path()  # stands for the usual place


class WorkspaceIndex:
    """`root` is a folder. The index is saved in `store`; None saves nothing. `warn` may be called from any thread."""

    def __init__(
        self,
        root: Path,
        warn: Callable[[str], None] = lambda message: None,
        *,
        store: Path | None = _SAVED,
        is_watched: bool = True,
    ) -> None:
        self.root = root.resolve()
        self._warn = warn
        self._start = Start(self.root, store_path(self.root) if store is _SAVED else store, is_watched)
        self._lock = threading.RLock()
        self._rows: dict[str, bytes] = {}
        self._skipped: dict[str, str] = {}
        self._n_no_code = 0
        self._generation = 0
        self._changed: OrderedDict[str, int] = OrderedDict()  # the last change of a file, gone or not; in order
        self._unpacked: OrderedDict[str, FileFacts] = OrderedDict()
        self._project = ProjectFiles(self._text, self.facts)
        self._buffers: dict[str, str] = {}
        self._told: dict[str, str] = {}  # the texts of buffers as the process knows them; the teller's own
        self._outbox: SimpleQueue[ToProcess | str | None] = SimpleQueue()
        self._synced: dict[int, threading.Event] = {}
        self._n_syncs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._reading = ""
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)
        self._thread.start()

    # What retrieval reads

    def paths(self) -> Collection[str]:
        with self._lock:
            return list(self._rows)

    def facts(self, path: str) -> FileFacts | None:
        with self._lock:
            row = self._rows.get(path)
            if not row:
                return None
            found = self._unpacked.get(path)
            if found is None:
                try:
                    found = self._unpacked[path] = unpacked(row)
                except ValueError:  # out of a store that somebody has written into
                    return None
                if len(self._unpacked) > _N_UNPACKED:
                    self._unpacked.popitem(last=False)
            else:
                self._unpacked.move_to_end(path)
            return found

    def lines(self, path: str, first: int, last: int) -> str | None:
        text = self._text(path)
        return None if text is None else "\n".join(text.split("\n")[max(first, 1) - 1 : last])

    def imported_by(self, path: str) -> tuple[tuple[Import, tuple[Target, ...]], ...]:
        with self._lock:
            facts = self.facts(path)
            return tuple((known, targets(known, path, self._project)) for known in facts.imports) if facts else ()

    def implied_by(self, path: str) -> tuple[Target, ...]:
        with self._lock:
            return implicit_targets(path, self._project)

    def generation(self, path: str) -> int:
        with self._lock:
            return self._changed[path] if path in self._rows else 0

    def changed_since(self, generation: int) -> tuple[int, frozenset[str]]:
        with self._lock:
            changed = []
            for path, when in reversed(self._changed.items()):
                if when <= generation:
                    break
                changed.append(path)
            return self._generation, frozenset(changed)

    def skipped(self) -> tuple[dict[str, str], int]:
        """The files and folders that were left out, with the reason; and the number of files that are no code."""
        with self._lock:
            return dict(self._skipped), self._n_no_code

    @property
    def n_bytes(self) -> int:
        """The size of all facts as they are kept in memory."""
        with self._lock:
            return sum(map(len, self._rows.values()))

    @property
    def process_id(self) -> int | None:
        process = self._process
        return process.pid if process else None

    # What the client reports

    def changed(self, paths: Iterable[str]) -> None:
        """Files or folders on the disk came, changed or vanished; paths are relative to the workspace."""
        self._outbox.put(Changed(tuple(paths)))

    def open(self, path: str, text: str) -> None:
        """The text of a file is this until it is closed, whatever the disk says."""
        with self._lock:
            self._buffers[path] = text
        self._outbox.put(path)

    edit = open
    """The same for a file that is open. What differs from before is found here, and parsed anew alone."""

    def close(self, path: str) -> None:
        with self._lock:
            self._buffers.pop(path, None)
        self._outbox.put(path)

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything reported so far is in the index; False if that takes longer."""
        end = time.monotonic() + timeout_s
        with self._lock:
            self._n_syncs += 1
            number = self._n_syncs
            event = self._synced[number] = threading.Event()
            self._outbox.put(Sync(number))
        try:
            return event.wait(end - time.monotonic())
        finally:
            with self._lock:
                self._synced.pop(number, None)

    def stop(self, timeout_s: float = 0.0) -> None:
        """End the process, which saves first; wait for that at most so long."""
        self._is_stopped.set()
        self._outbox.put(None)
        if timeout_s:
            self._thread.join(timeout_s)

    # The process

    def _run(self) -> None:
        """Run the process, again when it dies, and take in what it says."""
        for n_crashes in range(1, MAX_CRASHES + 1):
            self._converse()
            if self._reading:
                self._start = replace(self._start, avoid=self._start.avoid | {self._reading})
            if self._is_stopped.wait(BACK_OFF_S * n_crashes):
                return
        self._warn("The index stopped: its process keeps dying. Completions go on with what is known.")

    def _converse(self) -> None:
        command = [sys.executable, "-I", "-m", "midfill_context.index.process"]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            self._warn(f"The index cannot be started: {error}.")
            return
        self._process, self._reading = process, ""
        teller = threading.Thread(target=self._tell, args=(process,), name="index-teller", daemon=True)
        teller.start()
        assert process.stdout is not None
        with suppress(EOFError), process.stdout:
            while True:
                self._take_in(receive(process.stdout))
        process.wait()
        self._outbox.put(None)
        teller.join()

    def _tell(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on what the client reports. A string in the outbox is the path of a buffer that is no more as it was."""
        assert process.stdin is not None
        self._told = {}
        with suppress(OSError), process.stdin:
            send(process.stdin, self._start)
            with self._lock:
                open_now = list(self._buffers)
                waiting = list(self._synced)
            for path in open_now:
                self._tell_buffer(process, path)
            for number in waiting:
                send(process.stdin, Sync(number))
            while not (self._is_stopped.is_set() or process.poll() is not None):
                message = self._outbox.get()
                if isinstance(message, str):
                    self._tell_buffer(process, message)
                elif message is not None:  # None: look whether this goes on
                    send(process.stdin, message)

    def _tell_buffer(self, process: subprocess.Popen[bytes], path: str) -> None:
        assert process.stdin is not None
        with self._lock:
            text = self._buffers.get(path)
        told = self._told.get(path)
        if text is None:
            if self._told.pop(path, None) is not None:
                send(process.stdin, Close(path))
            return
        if told is None:
            send(process.stdin, Open(path, text))
        elif told != text:
            start, old_end, new_end = changed_span(told, text)
            send(process.stdin, Edit(path, start, old_end, text[start:new_end]))
        self._told[path] = text

    def _take_in(self, message: FromProcess | ToProcess) -> None:
        self._reading = message.path if isinstance(message, Reading) else ""
        if isinstance(message, Update):
            self._remove(message.gone)
            with self._lock:
                self._skipped.update(message.skipped or {})
            self._put(message.rows)
        elif isinstance(message, Scanned):
            with self._lock:
                self._skipped, self._n_no_code = dict(message.skipped), message.n_no_code
            self._remove([path for path in self._rows if path not in message.paths])
            self._put([Row(path) for path in message.paths if path not in self._rows])
        elif isinstance(message, Synced):
            with self._lock:
                event = self._synced.get(message.number)
            if event:
                event.set()
        elif isinstance(message, Warn):
            self._warn(message.message)

    def _put(self, rows: Iterable[Row]) -> None:
        for some in _in_chunks(rows):
            with self._lock:
                changed = [row for row in some if self._rows.get(row.path) != row.facts]
                for path, facts in changed:
                    self._skipped.pop(path, None)
                    self._rows[path] = facts
                    self._mark(path)
                self._project.add(row.path for row in changed)

    def _remove(self, paths: Iterable[str]) -> None:
        for some in _in_chunks(paths):
            with self._lock:
                known = [path for path in some if path in self._rows]
                for path in some:
                    self._skipped.pop(path, None)
                    if self._rows.pop(path, None) is not None:
                        self._mark(path)
                self._project.remove(known)

    def _mark(self, path: str) -> None:
        self._generation += 1
        self._unpacked.pop(path, None)
        self._changed[path] = self._generation
        self._changed.move_to_end(path)

    # What is looked up

    def _text(self, path: str) -> str | None:
        with self._lock:
            if path not in self._rows:
                return None
            text = self._buffers.get(path)
        if text is None:
            found = read_file(self.root, path)
            text = None if isinstance(found, str) else found[0].decode(errors="replace")
        return text and text.replace("\r\n", "\n")


def _in_chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """In pieces so small that others get the lock in between; on a busy machine each pause costs a slice of time."""
    remaining = iter(items)
    since = time.perf_counter()
    while some := list(islice(remaining, _N_AT_ONCE)):
        yield some
        if time.perf_counter() - since > _HOLD_S:
            time.sleep(0)
            since = time.perf_counter()
