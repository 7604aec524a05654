"""Counting, whatever happens to the file; and what `midfill stats` makes of it."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from midfill_lsp.commands import stats
from midfill_lsp.outcomes import statistics
from midfill_lsp.outcomes.statistics import (
    WAIT_STEPS_MS,
    Group,
    Statistics,
    read_statistics,
    statistics_path,
    wait_name,
)

PYTHON = Group("python", "small")
GO = Group("go", "small")


@pytest.fixture(autouse=True)
def _write_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "WRITE_S", 0.0)
    monkeypatch.setattr(statistics, "CLOSE_S", 30.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "statistics.sqlite3"


def counted(path: Path) -> dict[tuple[str, str], int]:
    """All counts by language and name."""
    return {(week.group.language, name): n for week in read_statistics(path) for name, n in week.counts.items()}


def test_counts_add_up_over_servers_and_sessions(path: Path) -> None:
    for _ in range(2):
        servers = [Statistics(path), Statistics(path)]
        for server in servers:
            server.add(PYTHON, {"answers": 1, "shown": 2})
            server.add(GO, {"answers": 1})
            server.add(PYTHON, {"answers": 1})
        for server in servers:
            server.close()
    assert counted(path) == {("python", "answers"): 8, ("python", "shown"): 8, ("go", "answers"): 4}


def test_threads_may_add(path: Path) -> None:
    server = Statistics(path)
    threads = [threading.Thread(target=lambda: [server.add(PYTHON, {"n": 1}) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.close()
    assert counted(path) == {("python", "n"): 400}


def test_what_is_locked_is_written_later(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, is_locked = threading.Event(), statistics._is_locked
    monkeypatch.setattr(statistics, "_LOCK_WAIT_S", 0.0)
    monkeypatch.setattr(statistics, "_is_locked", lambda error: (refused.set(), is_locked(error))[1])
    first = Statistics(path)
    first.add(PYTHON, {"n": 1})
    first.close()
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        second = Statistics(path)
        second.add(PYTHON, {"n": 1})
        assert refused.wait(10)
        other.rollback()
    second.close()
    other.close()
    assert counted(path) == {("python", "n"): 2}
    assert caplog.text == ""


@pytest.mark.parametrize("damage", ["no database", "another database", "a folder", "no table", "no place"])
def test_a_file_that_cannot_be_used_is_told_once_and_left_alone(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    if damage == "no database":
        path.write_bytes(b"These are no statistics.")
    elif damage == "a folder":
        path.mkdir()
    elif damage == "no place":
        path.parent.rmdir()
        path.parent.write_text("a file")
    else:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE other (x)" if damage == "another database" else "PRAGMA user_version = 1")
            if damage == "no table":
                database.execute(f"PRAGMA application_id = {0x6D667374}")
        database.close()
    before = path.read_bytes() if path.is_file() else None
    server = Statistics(path)
    for _ in range(3):
        server.add(PYTHON, {"n": 1})
    server.close()
    server.add(PYTHON, {"n": 1})
    assert caplog.text.count("statistics are not kept") == 1
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir(mode=0o500)
    server = Statistics(path)
    server.add(PYTHON, {"n": 1})
    server.close()
    assert caplog.text.count("statistics are not kept") == 1


def test_a_full_disk_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full disk to try")
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    server = Statistics(path)
    server.add(PYTHON, {"n": 1})
    server.close()
    assert caplog.text.count("statistics are not kept") == 1


def test_the_file_is_the_users_own(path: Path) -> None:
    server = Statistics(path)
    server.add(PYTHON, {"n": 1})
    server.close()
    assert path.stat().st_mode & 0o777 == 0o600


# midfill stats


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    stats.add_parser(parser.add_subparsers())
    args = parser.parse_args(["stats", *words])
    code: int = args.run(args)
    return code


def fill() -> None:
    server = Statistics(statistics_path())
    waits = {wait_name(50): 90, wait_name(700): 10}
    counts = {
        "answers": 120,
        "suggestions": 100,
        "reused": 40,
        "shown": 50,
        "accepted": 12,
        "accepted_whole": 10,
        "accepted_word": 3,
    }
    server.add(PYTHON, counts | waits | {"accepted_characters": 200})
    server.add(PYTHON, {"checked_characters_30s": 200, "kept_characters_30s": 150})
    server.add(GO, {"answers": 1})
    server.close()


def test_stats_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert run("--json") == 0
    go, python = json.loads(capsys.readouterr().out)
    assert (go["language"], python["language"]) == ("go", "python")
    assert (python["n_answers"], python["n_suggestions"], python["reused"], python["n_shown"]) == (120, 100, 0.4, 50)
    assert (python["n_accepted_whole"], python["n_accepted_word"], python["accepted_characters"]) == (10, 3, 200)
    assert (python["kept_30s"], python["kept_120s"]) == (0.75, None)
    assert 50 <= python["wait_p50_ms"] <= 60
    assert 700 <= python["wait_p95_ms"] <= 833
    assert go["wait_p50_ms"] is None


def test_stats_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert run() == 0
    head, go, python = capsys.readouterr().out.splitlines()
    assert head.startswith("week")
    assert "12 (10 whole, 0 lines, 3 words)" in python
    assert "75%/–/–" in python
    assert "go" in go


def test_stats_without_statistics(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert capsys.readouterr().out == "nothing is counted yet\n"
    assert not statistics_path().exists()
    statistics_path().parent.mkdir(parents=True)
    statistics_path().write_text("no database at all, but long enough to be taken for one")
    assert run() == 1
    assert "counting begins anew" in capsys.readouterr().err


def test_every_wait_has_a_step() -> None:
    assert [wait_name(ms) for ms in (0, 4, 4.1, 1e9)] == ["wait_ms<=4", "wait_ms<=4", "wait_ms<=5", "wait_ms<=16384"]
    assert list(WAIT_STEPS_MS) == sorted(set(WAIT_STEPS_MS))
