"""Correctness under change: after any edits, creates, renames and deletes the index is the one made from scratch."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from context.index.random_changes import Hand
from midfill_context.index.indexer import CRASHED, Indexer
from midfill_context.index.messages import FromProcess, Scanned, Update
from midfill_context.index.reading import unpacked
from midfill_context.index.store import Store
from midfill_context.syntax.facts import FileFacts

N_CHANGES = 5000


@dataclass
class Received:
    """What has come of an indexer, as a `WorkspaceIndex` takes it in."""

    rows: dict[str, bytes] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    n_read: int = 0

    def take(self, message: FromProcess) -> None:
        if isinstance(message, Scanned):
            self.skipped = dict(message.skipped)
            self.rows = {path: self.rows.get(path, b"") for path in message.paths}
        elif isinstance(message, Update):
            for path in message.gone:
                self.rows.pop(path, None)
                self.skipped.pop(path, None)
            self.skipped.update(message.skipped or {})
            for path, facts in message.rows:
                self.rows[path] = facts
                self.skipped.pop(path, None)
                self.n_read += 1

    def facts(self) -> dict[str, FileFacts | None]:
        return {path: unpacked(row) if row else None for path, row in self.rows.items()}


def started(root: Path, store: Store | None = None, avoid: frozenset[str] = frozenset()) -> tuple[Indexer, Received]:
    received = Received()
    indexer = Indexer(root, received.take, store, avoid)
    indexer.scan()
    settle(indexer)
    return indexer, received


def settle(indexer: Indexer) -> None:
    while not indexer.is_idle():
        indexer.step(hurry=True)


def from_scratch(
    root: Path, buffers: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, FileFacts | None], dict[str, str]]:
    indexer, received = started(root)
    for path, text in buffers.items():
        indexer.open(path, text)
    settle(indexer)
    return received.facts(), received.skipped


@pytest.mark.parametrize("seed", [1, 2])
def test_the_index_is_the_one_made_from_scratch(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    store = Store(tmp_path / "index.sqlite3", root)
    hand, (indexer, received) = Hand(root, seed), started(root, store)
    n_read = 0
    for number in range(1, N_CHANGES // 2 + 1):
        hand.change(indexer)
        for _ in range(hand.rng.choice([0, 0, 1, 3])):
            indexer.step()
        if number % 50 == 25:
            settle(indexer)
            assert received.facts() == from_scratch(root, hand.buffers)[0]
        if number % 50 == 0:
            for path in list(hand.buffers):
                hand.save(indexer, path)
            settle(indexer)
            assert received.facts() == from_scratch(root)[0]
            indexer.scan()
            settle(indexer)
            assert (received.facts(), received.skipped) == from_scratch(root)
        if number % 150 == 0:  # another session goes on with what was saved
            store.commit()
            n_read += received.n_read
            indexer, received = started(root, store)
            assert (received.facts(), received.skipped) == from_scratch(root)
    store.close()
    assert n_read > N_CHANGES // 5


def test_what_was_saved_is_not_read_again(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    for number in range(9):
        (root / f"m{number}.py").write_text(f"def f{number}(): ...\n")
        os.utime(root / f"m{number}.py", (1e9, 1e9))
    store = Store(tmp_path / "index.sqlite3", root)
    started(root, store)
    (root / "m0.py").write_text("def other(): ...\n")
    (root / "m1.py").unlink()
    read: list[str] = []
    received = Received()
    indexer = Indexer(root, received.take, store)
    indexer._read = lambda path: (read.append(path), Indexer._read(indexer, path))[1]  # type: ignore[method-assign, func-returns-value]
    indexer.scan()
    settle(indexer)
    store.close()
    assert read == ["m0.py"]
    assert (received.facts(), received.skipped) == from_scratch(root)


def test_open_buffers_win_over_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def on_disk(): ...\n")
    indexer, received = started(tmp_path)
    indexer.open("a.py", "def typed(): ...\n")
    indexer.open("new.py", "def unsaved(): ...\n")
    (tmp_path / "a.py").write_text("def written_by_another(): ...\n")
    indexer.changed(["a.py"])
    settle(indexer)
    assert names(received) == {"a.py": ["typed"], "new.py": ["unsaved"]}
    (tmp_path / "a.py").unlink()
    indexer.changed(["a.py"])
    indexer.scan()
    settle(indexer)
    assert names(received) == {"a.py": ["typed"], "new.py": ["unsaved"]}
    indexer.close("a.py")
    indexer.close("new.py")
    settle(indexer)
    assert names(received) == {}


def test_an_ignored_buffer_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("private.py\n")
    indexer, received = started(tmp_path)
    indexer.open("private.py", "def secret(): ...\n")
    indexer.open(".env.py", "def secret(): ...\n")
    settle(indexer)
    indexer.scan()
    settle(indexer)
    assert received.rows == {}
    assert received.skipped == {"private.py": "ignored by .gitignore", ".env.py": "secret"}
    (tmp_path / ".gitignore").write_text("")
    indexer.changed([".gitignore"])
    settle(indexer)
    assert names(received) == {"private.py": ["secret"]}


@pytest.mark.parametrize("change", ["rules", "folder"])
def test_what_was_to_be_read_and_is_wanted_no_more(tmp_path: Path, change: str) -> None:
    indexer, received = started(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.py").write_text("def f(): ...\n")
    indexer.changed(["a"])
    indexer.step(hurry=True)  # it has been seen and is read next
    if change == "rules":
        (tmp_path / ".gitignore").write_text("b.py\n")
        indexer.changed([".gitignore"])
    else:
        (tmp_path / "a").rename(tmp_path / "c")
        indexer.changed(["a", "c"])
    settle(indexer)
    assert (received.facts(), received.skipped) == from_scratch(tmp_path)


def test_a_file_that_crashed_the_parser_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    indexer, received = started(tmp_path, avoid=frozenset({"a.py"}))
    indexer.open("a.py", "x = 2\n")
    settle(indexer)
    assert (received.rows, received.skipped) == ({}, {"a.py": CRASHED})


def test_what_the_system_refuses_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions would do the same, but not for root."""
    for path in ("closed.py", "shut/a.py", "open.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("def f(): ...\n")

    def refused(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def refusing(path: str | Path, *arguments: int) -> Any:
            if os.path.basename(path) == name:
                raise PermissionError(errno.EACCES, "Permission denied")
            return call(path, *arguments)

        return refusing

    monkeypatch.setattr(os, "open", refused(os.open, "closed.py"))
    monkeypatch.setattr(os, "scandir", refused(os.scandir, "shut"))
    _, received = started(tmp_path)
    assert received.skipped == {"closed.py": "unreadable", "shut": "unreadable"}
    assert names(received) == {"open.py": ["f"]}


def test_a_workspace_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.py").write_text("def f(): ...\n")
    indexer, received = started(root)
    root.rename(tmp_path / "elsewhere")
    indexer.scan()
    settle(indexer)
    assert received.rows == {}
    (tmp_path / "elsewhere").rename(root)
    indexer.scan()
    settle(indexer)
    assert names(received) == {"a.py": ["f"]}


def names(received: Received) -> dict[str, list[str]]:
    return {path: [known.name for known in facts.definitions] for path, facts in received.facts().items() if facts}
