"""The process of one index: `python -I -m midfill_context.index.process`, with messages on stdin and stdout.

tree-sitter holds the GIL while it parses, and so do the readers of facts: in a thread of the language server they
would stall it. Here nobody waits for them. The process ends with its stdin.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO

from midfill_context.index.indexer import Indexer
from midfill_context.index.messages import (
    Changed,
    Close,
    Edit,
    FromProcess,
    Open,
    Start,
    Sync,
    Synced,
    ToProcess,
    Warn,
    receive,
    send,
)
from midfill_context.index.store import Store
from midfill_context.index.walking import is_home
from midfill_context.index.watching import CannotWatch, Watch

RESCAN_S = 300.0  # in case the system has lost an event
POLL_S = 5.0  # where it reports none
RECHECK_S = 1.0  # after folders came, moved or went: while the system's watch follows them it misses what is in them
POLL_SHARE = 0.05  # of the processor's time, at most
COMMIT_S = 0.25  # a change waits while others are committed: few at a time, so that it is not for long


def main() -> None:
    """Work until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, whose end is ours
    warnings.simplefilter("ignore")  # watchdog warns of folders that come back faster than it follows
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    start = receive(stdin)
    assert isinstance(start, Start)
    process = _Process(start, stdout)
    threading.Thread(target=process.listen, args=(stdin,), daemon=True).start()
    with suppress(OSError):  # nobody reads any more
        process.run()
    os._exit(0)  # a watch that is still being set up must not hold up the end


class _Process:
    def __init__(self, start: Start, out: IO[bytes]) -> None:
        self._root = start.root
        self._out = out
        self._inbox: SimpleQueue[ToProcess | Warn | Watch | None] = SimpleQueue()
        self._store = Store(start.store, start.root) if start.store else None
        self._indexer = Indexer(start.root, self._tell, self._store, start.avoid)
        self._is_watched = start.is_watched
        self._watch: Watch | None = None
        self._syncs: list[int] = []
        self._commit_at = self._scan_at = float("inf")
        self._scan_s = 0.0

    def listen(self, stream: IO[bytes]) -> None:
        """Take messages off the pipe, so that the other side never waits; None at its end."""
        try:
            while True:
                message = receive(stream)
                self._inbox.put(message)  # type: ignore[arg-type]  # the other side sends no answers
        except EOFError:
            self._inbox.put(None)

    def run(self) -> None:
        self._scan()
        if self._is_watched and not is_home(self._root):  # where setting up the watch would take minutes
            threading.Thread(target=self._start_watch, daemon=True).start()
        if self._indexer.is_cut or is_home(self._root):
            self._warn_of_size()
        while self._take():
            if self._scan_at <= time.monotonic():
                self._scan()
            self._indexer.step(hurry=bool(self._syncs))
            if self._indexer.has_moved_folders:
                self._scan_at = min(self._scan_at, time.monotonic() + self._pause_s(RECHECK_S))
            if self._indexer.is_idle():
                for number in self._syncs:
                    self._tell(Synced(number))
                self._syncs.clear()
            if self._store and self._commit_at <= time.monotonic():
                self._store.commit()
                self._commit_at = float("inf")
        if self._store:
            self._store.commit()
            self._store.close()

    def _take(self) -> bool:
        """Take up what was told, waiting while there is nothing else to do; False at the end."""
        wait = 0.0 if self._syncs else self._wait_s()
        try:
            message = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
            while message is not None:
                self._take_up(message)
                message = self._inbox.get_nowait()
        except Empty:
            return True
        return False

    def _wait_s(self) -> float:
        own = self._indexer.wait_s()
        next_s = min(self._commit_at, self._scan_at) - time.monotonic()
        return max(0.0, next_s if own is None else min(own, next_s))

    def _take_up(self, message: ToProcess | Warn | Watch) -> None:
        if isinstance(message, Changed):
            self._indexer.changed(message.paths)
        elif isinstance(message, Open):
            self._indexer.open(message.path, message.text)
        elif isinstance(message, Edit):
            self._indexer.edit(message.path, message.start, message.end, message.new)
        elif isinstance(message, Close):
            self._indexer.close(message.path)
        elif isinstance(message, Sync):
            self._syncs.append(message.number)
        elif isinstance(message, Warn):
            self._tell(message)
        elif isinstance(message, Watch):
            self._watch = message
            self._scan_at = time.monotonic()  # for what has changed since the first look

    def _scan(self) -> None:
        began = time.monotonic()
        self._indexer.scan()
        now = time.monotonic()
        self._scan_s = now - began
        is_watched = self._watch is not None and self._watch.is_alive() and self._root.is_dir()
        self._scan_at = now + (RESCAN_S if is_watched else self._pause_s(POLL_S))

    def _pause_s(self, least_s: float) -> float:
        """How long to wait before the next scan, so that scans do not take too much of the processor."""
        return max(least_s, self._scan_s / POLL_SHARE)

    def _start_watch(self) -> None:
        try:
            self._inbox.put(Watch(self._root, lambda paths: self._inbox.put(Changed(tuple(paths)))))
        except CannotWatch as error:
            if not self._root.is_dir():
                return  # nothing to tell of: it is looked for every few seconds
            self._inbox.put(Warn(f"Changes of files are looked for every few seconds, because of {error}."))

    def _warn_of_size(self) -> None:
        what = "is the home directory" if is_home(self._root) else "has too many files"
        self._tell(Warn(f"The workspace {what}: only a part of it is indexed. Open the folder of one project instead."))

    def _tell(self, message: FromProcess) -> None:
        if self._store:
            self._commit_at = min(self._commit_at, time.monotonic() + COMMIT_S)
        send(self._out, message)


if __name__ == "__main__":
    main()
