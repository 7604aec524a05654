"""What became of suggestions, counted on this machine alone: SQLite in the user's data directory.

Kept are sums by week, language and model; never a text, a name or a path. Nothing is sent. Statistics never disturb
typing: a thread writes them, what another server has locked waits, and anything else that fails is told once, after
which nothing is counted any more.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import platformdirs

logger = logging.getLogger(__name__)

WRITE_S = 10.0  # how long counts are gathered before they are written
CLOSE_S = 1.0
_LOCK_WAIT_S = 0.5
_APPLICATION = 0x6D667374  # "mfst"
_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS counts (
    week TEXT NOT NULL, language TEXT NOT NULL, model TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (week, language, model, name)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_ADD = "INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"

# Waiting times are counted in steps of 19 percent.
WAIT_STEPS_MS = tuple(round(2 ** (step / 4)) for step in range(8, 57))


@dataclass(frozen=True)
class Group:
    """What is counted together, within a week such as `2026-W47`."""

    language: str
    model: str


@dataclass(frozen=True)
class WeekCounts:
    """The counts of a group in a week by name."""

    week: str
    group: Group
    counts: Counter[str]


def statistics_path() -> Path:
    """Where the statistics lie."""
    return Path(platformdirs.user_data_dir("midfill", appauthor=False)) / "statistics.sqlite3"


def wait_name(ms: float) -> str:
    """The name under which a waiting time is counted."""
    return f"wait_ms<={next((step for step in WAIT_STEPS_MS if ms <= step), WAIT_STEPS_MS[-1])}"


class Statistics:
    """Adds up counts. Any thread may add; the database is touched in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.is_on = True
        self._path = path
        self._lock = threading.Lock()
        self._waiting: Counter[tuple[str, str, str, str]] = Counter()
        self._has_more = threading.Event()
        self._is_closing = threading.Event()
        self._writer: threading.Thread | None = None

    def add(self, group: Group, counts: Mapping[str, int]) -> None:
        """Add to the counts of this week, unless counting is switched off."""
        if not self.is_on:
            return
        year, number, _ = date.today().isocalendar()
        with self._lock:
            for name, n in counts.items():
                self._waiting[f"{year}-W{number:02}", group.language, group.model, name] += n
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_on, name="statistics", daemon=True)
                self._writer.start()
        self._has_more.set()

    def flush(self) -> None:
        """Write what is counted so far; what cannot be written now is written later."""
        with suppress(sqlite3.Error, OSError):
            if self._waiting:
                self._write()

    def close(self) -> None:
        """Write what is left, unless that takes long."""
        self._is_closing.set()
        self._has_more.set()
        if self._writer is not None:
            self._writer.join(CLOSE_S)

    def _write_on(self) -> None:
        is_last = False
        while not is_last:
            self._has_more.wait()
            self._has_more.clear()
            is_last = self._is_closing.wait(WRITE_S)
            try:
                self._write()
            except (sqlite3.Error, OSError) as error:
                if _is_locked(error):
                    self._has_more.set()
                    continue
                logger.warning("statistics are not kept any more: %s: %s", self._path, error)
                return

    def _write(self) -> None:
        with self._lock:
            counts, self._waiting = self._waiting, Counter()
        try:
            with _opened(self._path) as database, database:
                database.executemany(_ADD, [(*key, n) for key, n in counts.items()])
        except (sqlite3.Error, OSError):
            with self._lock:
                self._waiting.update(counts)
            raise


def read_statistics(path: Path) -> list[WeekCounts]:
    """All counts, the newest week first; `sqlite3.Error` where the file is no statistics of this version."""
    if not path.exists():
        return []
    found: dict[tuple[str, str, str], Counter[str]] = {}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_LOCK_WAIT_S)) as database:
        _check(database)
        for week, language, model, name, n in database.execute("SELECT week, language, model, name, n FROM counts"):
            found.setdefault((week, language, model), Counter())[name] = n
    ordered = sorted(sorted(found.items()), key=lambda item: item[0][0], reverse=True)
    return [WeekCounts(week, Group(language, model), counts) for (week, language, model), counts in ordered]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(path, timeout=_LOCK_WAIT_S)) as database:
        if not path.stat().st_size:
            database.executescript(_SCHEMA)
        _check(database)
        yield database


def _check(database: sqlite3.Connection) -> None:
    found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found != [_APPLICATION, _VERSION]:
        raise sqlite3.DatabaseError("not the statistics of this version of midfill")


def _is_locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
