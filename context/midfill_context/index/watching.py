"""Changes on the disk as the system reports them, through watchdog."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
_LIMITS = {
    errno.ENOSPC: "too few inotify watches (fs.inotify.max_user_watches)",
    errno.EMFILE: "too few inotify instances (fs.inotify.max_user_instances)",
}


class CannotWatch(Exception):
    """The system reports no changes of this folder; the message says why."""


class Watch:
    """Tells `changed`, in a thread of its own, which paths below a root came, changed or vanished."""

    def __init__(self, root: Path, changed: Callable[[Iterable[str]], None]) -> None:
        self._observer = Observer()
        try:
            self._observer.schedule(_Handler(root, changed), os.fspath(root), recursive=True, event_filter=_EVENTS)
            self._observer.start()
        except OSError as error:
            raise CannotWatch(_LIMITS.get(error.errno or 0) or error.strerror or str(error)) from error

    def is_alive(self) -> bool:
        return all(emitter.is_alive() for emitter in self._observer.emitters)

    def stop(self) -> None:
        self._observer.stop()


class _Handler(FileSystemEventHandler):
    def __init__(self, root: Path, changed: Callable[[Iterable[str]], None]) -> None:
        self._prefix = os.path.join(root, "")
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = (os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
        own = [path[len(self._prefix) :] for path in paths if path.startswith(self._prefix)]
        if own:
            self._changed([path.replace(os.sep, "/") for path in own])
