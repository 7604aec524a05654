"""The index of a workspace on disk: one SQLite file in the user's cache directory.

It is a cache: what does not fit is thrown away and made anew. A row counts when its checksum fits and the file still
has the size and time that it had. Two servers may use one file: whoever finds it locked saves nothing.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import platformdirs

from midfill_context.index.reading import Row
from midfill_context.index.walking import Stamp, printable
from midfill_context.syntax import stored_facts

_APPLICATION = 0x6D666978  # "mfix"
_FORMAT = 1
_VERSION = _FORMAT * 10_000 + stored_facts.VERSION
_LOCK_WAIT_S = 0.2
_SCHEMA = f"""
CREATE TABLE files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, checksum INTEGER NOT NULL,
    facts BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE workspace (root TEXT NOT NULL);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


def store_path(root: Path) -> Path:
    """Where the index of a workspace is saved."""
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
    return Path(platformdirs.user_cache_dir("midfill", appauthor=False)) / "index" / f"{name}.sqlite3"


class Store:
    """The saved rows of one workspace. No method raises: a store that fails is closed, and holds nothing."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root
        self._database: sqlite3.Connection | None = None
        self._open()

    def rows(self) -> Iterator[tuple[Row, Stamp]]:
        """All rows that are whole."""
        if self._database is None:
            return
        try:
            for path, size, mtime_ns, checksum, facts in self._database.execute("SELECT * FROM files"):
                if checksum == _checksum(path, facts):
                    yield Row(path, facts), Stamp(size, mtime_ns)
        except (sqlite3.Error, TypeError, UnicodeError):
            self.close()
            _delete(self._path)
            self._open()

    def put(self, row: Row, stamp: Stamp) -> None:
        values = (row.path, *stamp, _checksum(row.path, row.facts), row.facts)
        self._write("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", [values])

    def remove(self, paths: Iterable[str]) -> None:
        self._write("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def commit(self) -> None:
        if self._database is not None:
            try:
                self._database.commit()
            except sqlite3.Error:
                self.close()

    def close(self) -> None:
        """What was not committed is lost."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _open(self) -> None:
        with suppress(sqlite3.Error, OSError):  # locked by another server, the disk is full or read-only
            self._database = _opened_anew(self._path, self._root)

    def _write(self, statement: str, values: list[tuple[object, ...]]) -> None:
        if self._database is not None:
            try:
                self._database.executemany(statement, values)
            except sqlite3.Error:
                self.close()


def _checksum(path: str, facts: bytes) -> int:
    return crc32(facts, crc32(path.encode()))


def _opened_anew(path: Path, root: Path) -> sqlite3.Connection:
    """The same, in place of whatever else lies there."""
    try:
        return _opened(path, root)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        _delete(path)
        return _opened(path, root)


def _delete(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + ending).unlink()


def _opened(path: Path, root: Path) -> sqlite3.Connection:
    """The database of a workspace, new or as it was left; an error where the file is anything else."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=_LOCK_WAIT_S, check_same_thread=False)
    try:
        if not path.stat().st_size:
            database.executescript(_SCHEMA)
            with database:
                database.execute("INSERT INTO workspace VALUES (?)", (printable(os.fspath(root)),))
        found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        is_ours = found == [_APPLICATION, _VERSION]
        if not is_ours or database.execute("SELECT root FROM workspace").fetchall() != [(printable(os.fspath(root)),)]:
            raise sqlite3.DatabaseError("not the index of this workspace")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database
