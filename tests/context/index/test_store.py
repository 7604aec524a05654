"""The saved index: what it holds, and that nothing foreign or broken is taken for one."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from midfill_context.index.reading import Row, packed, unpacked
from midfill_context.index.store import Store, store_path
from midfill_context.index.walking import Stamp
from midfill_context.syntax.facts import read_facts

ROW = Row("a/b.py", packed(read_facts("python", b"def f(): ...\n")))
STAMP = Stamp(13, 1_700_000_000_123_456_789)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store = Store(tmp_path / "index.sqlite3", tmp_path)
    store.put(ROW, STAMP)
    store.put(Row("data.json"), STAMP)
    store.put(Row("gone.py"), STAMP)
    store.remove(["gone.py"])
    store.commit()
    store.close()
    return tmp_path / "index.sqlite3"


def rows(path: Path, root: Path | None = None) -> list[tuple[Row, Stamp]]:
    store = Store(path, root or path.parent)
    try:
        return list(store.rows())
    finally:
        store.close()


def test_rows_come_back(saved: Path) -> None:
    assert rows(saved) == [(ROW, STAMP), (Row("data.json"), STAMP)]
    assert unpacked(ROW.facts).definitions[0].name == "f"
    assert saved.stat().st_mode & 0o077 == 0 or sys.platform == "win32"


def test_what_was_not_committed_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path / "index.sqlite3", tmp_path)
    store.put(ROW, STAMP)
    store.close()
    assert rows(tmp_path / "index.sqlite3") == []


def sql(statement: str):  # type: ignore[no-untyped-def]
    def spoil(path: Path) -> None:
        database = sqlite3.connect(path)
        with database:
            database.execute(statement)
        database.close()

    return spoil


SPOILERS = {
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(b"\x93noise" * 4000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:1500]),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192),
    "another version": sql("PRAGMA user_version = 9"),
    "another program's": sql("PRAGMA application_id = 9"),
    "another workspace": sql("UPDATE workspace SET root = '/elsewhere'"),
    "no table": sql("DROP TABLE files"),
    "wrong facts": sql("UPDATE files SET facts = x'00'"),
    "wrong types": sql("UPDATE files SET facts = 'text', checksum = 'no'"),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_what_does_not_fit_is_made_anew(saved: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    spoil(saved)
    assert rows(saved) == []
    store = Store(saved, saved.parent)
    store.put(ROW, STAMP)
    store.commit()
    store.close()
    assert (ROW, STAMP) in rows(saved)


def test_a_pickle_runs_nothing() -> None:
    data = zlib.compress(pickle.dumps(subprocess.Popen))
    for facts in (data, b"noise", zlib.compress(b"noise"), zlib.compress(pickle.dumps({}))):
        with pytest.raises(ValueError, match="facts"):
            unpacked(facts)


def test_nowhere_to_save(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file/index.sqlite3", tmp_path)
    store.put(ROW, STAMP)
    store.commit()
    assert list(store.rows()) == []


def test_a_second_server_waits_for_nobody(saved: Path) -> None:
    holder = sqlite3.connect(saved, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = Store(saved, saved.parent)
    store.put(Row("new.py"), STAMP)
    store.commit()
    store.close()
    holder.execute("ROLLBACK")
    holder.close()
    assert [row.path for row, _ in rows(saved)] == ["a/b.py", "data.json"]


def test_each_workspace_has_its_own_file(user_dirs: Path) -> None:
    assert store_path(Path("/a")) != store_path(Path("/b"))
    assert store_path(Path("/a")).is_relative_to(user_dirs)
