"""The index of a workspace with its real process, on real files."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from watchdog.observers.inotify_c import InotifyFD

from context.index.random_changes import Hand
from midfill_context.index import process
from midfill_context.index.messages import Start
from midfill_context.index.store import store_path
from midfill_context.index.view import IndexView
from midfill_context.index.workspace import WorkspaceIndex
from midfill_context.syntax.facts import FileFacts, read_facts

TIMEOUT_S = 60.0
Opened = Callable[..., WorkspaceIndex]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens indexes that are stopped at the end."""
    indexes: list[WorkspaceIndex] = []

    def open_index(root: Path, warnings: list[str] | None = None, is_watched: bool = False) -> WorkspaceIndex:
        index = WorkspaceIndex(root, [].append if warnings is None else warnings.append, is_watched=is_watched)
        indexes.append(index)
        assert index.settle(TIMEOUT_S)
        return index

    yield open_index
    for index in indexes:
        index.stop(TIMEOUT_S)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "app/__init__.py": "",
        "app/shop.py": "class Shop:\n    def sell(self, n): ...\n",
        "app/main.py": "from app.shop import Shop\nimport os\n\nShop().sell(1)\n",
        "web/tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
        "web/src/a.ts": 'import { b } from "@/b";\n',
        "web/src/b.ts": "export const b = 1;\n",
        "go.mod": "module example.com/m\n",
        ".env": "TOKEN=x\n",
        "logo.png": "",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not is_true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def names(index: IndexView, path: str) -> list[str] | None:
    facts = index.facts(path)
    return [known.name for known in facts.definitions] if facts else None


def test_what_retrieval_reads(root: Path, opened: Opened) -> None:
    index = opened(root)
    view: IndexView = index
    assert sorted(view.paths()) == [
        "app/__init__.py", "app/main.py", "app/shop.py", "go.mod", "web/src/a.ts", "web/src/b.ts", "web/tsconfig.json",
    ]  # fmt: skip
    assert view.facts("app/shop.py") == read_facts("python", (root / "app/shop.py").read_bytes())
    assert view.facts("go.mod") is None
    assert view.facts("nothing.py") is None
    assert view.lines("app/main.py", 2, 4) == "import os\n\nShop().sell(1)"
    assert view.lines(".env", 1, 1) is None
    assert view.lines("../outside", 1, 1) is None
    shop, os_import = view.imported_by("app/main.py")
    assert [tuple(target) for target in shop[1]] == [("Shop", "app/shop.py", "Shop")]
    assert os_import[1] == ()
    assert view.imported_by("web/src/a.ts")[0][1][0].path == "web/src/b.ts"
    assert view.implied_by("app/main.py") == ()
    assert index.skipped() == ({".env": "secret"}, 1)
    assert index.n_bytes > 0


def test_generations(root: Path, opened: Opened) -> None:
    index = opened(root)
    before, paths = index.changed_since(0)
    assert paths == set(index.paths())
    assert index.changed_since(before) == (before, frozenset())
    (root / "app/new.py").write_text("def fresh(): ...\n")
    (root / "web/src/b.ts").unlink()
    index.changed(["app/new.py", "web/src/b.ts"])
    assert index.settle(TIMEOUT_S)
    now, paths = index.changed_since(before)
    assert now > before
    assert paths == {"app/new.py", "web/src/b.ts"}
    assert index.generation("app/new.py") > before
    assert index.generation("app/main.py") <= before
    assert index.generation("web/src/b.ts") == 0
    assert index.imported_by("web/src/a.ts")[0][1] == ()


def test_an_open_buffer(root: Path, opened: Opened) -> None:
    index = opened(root)
    index.open("app/shop.py", "class Shop:\r\n    def sell(self): ...\r\n")
    index.edit("app/shop.py", "class Shop:\r\n    def buy(self): ...\r\n")
    index.edit("app/shop.py", "class Shop:\r\n    def buy(self): ...\r\n    def lend(self): ...\r\n")
    assert index.settle(TIMEOUT_S)
    assert names(index, "app/shop.py") == ["Shop", "buy", "lend"]
    assert index.lines("app/shop.py", 2, 3) == "    def buy(self): ...\n    def lend(self): ..."
    index.open(".env", "TOKEN=y")
    index.close("app/shop.py")
    assert index.settle(TIMEOUT_S)
    assert names(index, "app/shop.py") == ["Shop", "sell"]
    assert index.lines(".env", 1, 1) is None


def test_it_is_saved_and_reloaded(root: Path, opened: Opened) -> None:
    first = opened(root)
    first.stop(TIMEOUT_S)
    (root / "app/main.py").write_text("def changed(): ...\n")
    index = opened(root)
    assert names(index, "app/main.py") == ["changed"]
    assert names(index, "app/shop.py") == ["Shop", "sell"]
    index.stop(TIMEOUT_S)
    store_path(root).write_bytes(b"not an index")
    assert names(opened(root), "app/shop.py") == ["Shop", "sell"]


def test_changes_that_nobody_reports(root: Path, opened: Opened) -> None:
    warnings: list[str] = []
    index = opened(root, warnings, is_watched=True)
    (root / "app/new.py").write_text("def fresh(): ...\n")
    until(lambda: names(index, "app/new.py") == ["fresh"])
    (root / "app").rename(root / "lib")
    until(lambda: names(index, "lib/new.py") == ["fresh"] and "app/new.py" not in index.paths())
    (root / ".gitignore").write_text("*.ts\n")
    until(lambda: "web/src/a.ts" not in index.paths())
    shutil.rmtree(root / "lib")
    until(lambda: not any(path.startswith("lib") for path in index.paths()))
    assert warnings == []


class Unreported:
    """An index whose client says what happens in its editor, and nothing of the disk."""

    def __init__(self, index: WorkspaceIndex, buffers: dict[str, str]) -> None:
        self._index = index
        self._buffers = buffers

    def changed(self, paths: Iterable[str]) -> None:
        list(paths)

    def open(self, path: str, text: str) -> None:
        self._index.open(path, text)

    def edit(self, path: str, start: int, end: int, new: str) -> None:
        self._index.edit(path, self._buffers[path])

    def close(self, path: str) -> None:
        self._index.close(path)


def test_random_changes_that_nobody_reports(tmp_path: Path, opened: Opened) -> None:
    """The index is in the end the one that is made of what there is in the end."""
    hand = Hand(tmp_path, seed=3)
    index = opened(tmp_path, is_watched=True)
    fresh = opened(tmp_path)
    for _ in range(2):
        for _ in range(200):
            hand.change(Unreported(index, hand.buffers))
        fresh.stop(TIMEOUT_S)
        fresh = WorkspaceIndex(tmp_path, store=None, is_watched=False)
        for path, text in hand.buffers.items():
            fresh.open(path, text)
        assert fresh.settle(TIMEOUT_S)
        until(partial(has_facts, index, all_facts(fresh)))
    fresh.stop(TIMEOUT_S)


def has_facts(index: WorkspaceIndex, wanted: dict[str, FileFacts | None]) -> bool:
    return all_facts(index) == wanted


def all_facts(index: WorkspaceIndex) -> dict[str, FileFacts | None]:
    return {path: index.facts(path) for path in index.paths()}


@pytest.mark.skipif(sys.platform != "linux", reason="inotify")
def test_too_few_watches_are_told_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel refuses a watch; the process runs in a thread here."""

    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(InotifyFD, "add_callback", refuse)
    told: list[object] = []
    monkeypatch.setattr(process, "send", lambda stream, message: told.append(message))
    monkeypatch.setattr(process, "POLL_S", 0.05)
    worker = process._Process(Start(root, None, True), sys.stdout.buffer)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    until(lambda: any(isinstance(message, process.Warn) for message in list(told)))
    (root / "polled.py").write_text("def polled(): ...\n")
    until(lambda: any("polled.py" in repr(message) for message in list(told)))
    worker._inbox.put(None)
    thread.join(TIMEOUT_S)
    warnings = [message for message in told if isinstance(message, process.Warn)]
    assert len(warnings) == 1
    assert "every few seconds" in warnings[0].message
    assert "max_user_watches" in warnings[0].message


def test_the_process_comes_back(root: Path, opened: Opened) -> None:
    index = opened(root)
    index.open("app/shop.py", "def typed(): ...\n")
    assert index.settle(TIMEOUT_S)
    first = index.process_id
    psutil.Process(first).kill()
    (root / "late.py").write_text("def late(): ...\n")
    assert index.settle(TIMEOUT_S)
    assert index.process_id != first
    assert names(index, "app/shop.py") == ["typed"]
    assert names(index, "late.py") == ["late"]


@pytest.mark.parametrize("has_store", [True, False])
def test_it_rests_when_there_is_nothing_to_do(root: Path, has_store: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMIT_S", 0.0)
    store = store_path(root) if has_store else None
    resting = process._Process(Start(root, store, is_watched=False), BytesIO())
    waits: list[float] = []
    wait_s = resting._wait_s
    monkeypatch.setattr(resting, "_wait_s", lambda: waits.append(wait_s()) or waits[-1])
    thread = threading.Thread(target=resting.run, daemon=True)
    thread.start()
    until(lambda: bool(waits) and waits[-1] > 1)
    resting.listen(BytesIO())  # the other side goes away
    thread.join(TIMEOUT_S)
    assert not thread.is_alive()


def test_the_process_ends_with_its_parent(root: Path) -> None:
    code = (
        "import sys, os\nfrom pathlib import Path\nfrom midfill_context.index.workspace import WorkspaceIndex\n"
        "index = WorkspaceIndex(Path(sys.argv[1]))\nassert index.settle(60)\n"
        "print(index.process_id, flush=True)\nos._exit(9)"
    )
    command = [sys.executable, "-c", code, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    until(lambda: not psutil.pid_exists(int(done.stdout)))
    assert done.stderr == ""


def test_several_workspaces(tmp_path: Path, opened: Opened) -> None:
    indexes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text(f"def {name}(): ...\n")
        indexes.append(opened(tmp_path / name))
    assert [names(index, "a.py") for index in indexes] == [["one"], ["two"]]
    indexes[0].stop(TIMEOUT_S)
    indexes[1].open("b.py", "def more(): ...\n")
    assert indexes[1].settle(TIMEOUT_S)
    assert names(indexes[1], "b.py") == ["more"]


def test_bad_input(tmp_path: Path, opened: Opened) -> None:
    """Whatever lies in a workspace, the rest of it is indexed."""
    (tmp_path / "long.py").write_text("x = 1\n" * 170_000)
    (tmp_path / "too_long.py").write_text("x = 1\n" * 200_000)
    (tmp_path / "deep.py").write_text("(" * 50_000 + ")" * 50_000 + "\n" * 300)
    (tmp_path / "deep.js").write_text("[{a:\n" * 30_000)
    (tmp_path / "latin.py").write_bytes(b"name = '\xe9'\n")
    (tmp_path / "a.py").write_text("import b\nfrom b import f\n")
    (tmp_path / "b.py").write_text("import a\nfrom a import f\n")
    (tmp_path / "empty.py").write_text("")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "good.py").write_text("def good(): ...\n")
    index = opened(tmp_path)
    assert names(index, "good.py") == ["good"]
    assert names(index, "latin.py") == ["name"]
    assert index.facts("long.py") is not None
    assert {target.path for _, found in index.imported_by("a.py") for target in found} <= {"a.py", "b.py"}
    skipped, _ = index.skipped()
    assert skipped["too_long.py"] == "larger than 1 MiB"
    assert skipped["pipe.py"] == "no regular file"


def test_a_folder_that_is_not_there(tmp_path: Path, opened: Opened) -> None:
    warnings: list[str] = []
    index = opened(tmp_path / "nowhere", warnings, is_watched=True)
    assert list(index.paths()) == []
    assert index.settle(TIMEOUT_S)
    assert warnings == []


def test_the_home_directory_is_warned_of(tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "a.py").write_text("def f(): ...\n")
    warnings: list[str] = []
    index = opened(tmp_path, warnings, is_watched=True)
    assert names(index, "a.py") == ["f"]
    until(lambda: len(warnings) == 1)
    assert "home directory" in warnings[0]


def test_a_checkout_of_many_files_stalls_no_request(tmp_path: Path, opened: Opened) -> None:
    for number in range(500):
        (tmp_path / f"m{number}.py").write_text(f"def f{number}(): ...\n")
    index = opened(tmp_path, is_watched=True)
    for number in range(500):
        (tmp_path / f"m{number}.py").write_text(f"def g{number}(): ...\n")
    longest = 0.0
    while names(index, "m499.py") != ["g499"] or names(index, "m0.py") != ["g0"]:
        began = time.thread_time()
        index.facts("m250.py")
        index.changed_since(0)
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.05
    until(lambda: all(names(index, f"m{number}.py") == [f"g{number}"] for number in range(500)))
