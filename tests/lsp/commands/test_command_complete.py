"""`midfill complete`: what it prints for real places, and what it says of places that cannot be completed at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import MIDFILL, run
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL
from tiny_gguf import write_tiny_gguf

HEAD = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n"
KEYS = {
    *("suggestion", "stop_reason", "model", "n_prompt_tokens", "n_reused_tokens", "n_completion_tokens"),
    *("context_ms", "prompt_ms", "decode_ms", "total_ms", "snippets"),
}


@pytest.fixture(autouse=True)
def installed(smollm2: Path) -> None:
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    path.symlink_to(smollm2)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "code.py"
    path.write_text(HEAD + "    return \n\nprint(add(1, 2))\n")
    return path


@pytest.mark.parametrize(
    ("line", "place", "suggested"),
    [
        pytest.param("    return ", ":6", "a - b", id="end of the line"),
        pytest.param("    return", ":6:11", " a - b", id="a column"),
        pytest.param("    retu", ":6", "rn a - b", id="inside a word"),
        pytest.param("", ":6", "    return a - b", id="an empty line"),
        pytest.param("    return ()", ":6:13", "a - b", id="text after the cursor"),
    ],
)
def test_json_is_one_object_with_the_real_suggestion(tmp_path: Path, line: str, place: str, suggested: str) -> None:
    path = tmp_path / "code.py"
    path.write_text(HEAD + line + "\n\nprint(add(1, 2))\n")
    done = run(MIDFILL, "complete", f"{path}{place}", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == KEYS
    assert report["suggestion"] == suggested
    assert report["model"] == DEFAULT_MODEL
    assert report["n_prompt_tokens"] > report["n_reused_tokens"] == 0
    assert report["total_ms"] >= report["prompt_ms"] + report["decode_ms"] > 0


def test_plain_output_marks_the_suggestion_between_its_lines(code: Path) -> None:
    done = run(MIDFILL, "complete", f"{code}:6")
    assert done.returncode == 0, done.stderr
    name, *lines, timings = done.stdout.splitlines()
    assert name == str(code)
    assert lines[-4:] == ["    6 │     return ⟦a - b⟧", "    7 │ ", "    8 │ print(add(1, 2))", "    9 │ "]
    assert timings.startswith(f"{DEFAULT_MODEL} · prompt ")
    assert code.read_text() == HEAD + "    return \n\nprint(add(1, 2))\n"


def test_line_ends_of_the_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_bytes(HEAD.rstrip("\n").replace("\n", "\r\n").encode())
    report = json.loads(run(MIDFILL, "complete", f"{path}:5", "--json").stdout)
    assert report["suggestion"] == "\r\n    return a - b"


def test_nothing_to_suggest_says_why(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("")
    done = run(MIDFILL, "complete", f"{path}:1")
    assert done.returncode == 0
    assert "nothing to suggest (nothing_to_continue)" in done.stdout


def test_half_a_line_is_no_suggestion(code: Path) -> None:
    report = json.loads(run(MIDFILL, "complete", f"{code}:6", "--json", "--max-tokens", "1").stdout)
    assert report["suggestion"] == ""
    assert report["stop_reason"] == "max_tokens"
    assert report["n_completion_tokens"] == 1


def test_file_that_is_not_utf8_is_read_as_latin1_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_bytes("# caf\xe9\n".encode("latin-1") + HEAD.encode() + b"    return ")
    done = run(MIDFILL, "complete", f"{path}:7", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["suggestion"] == "a - b"
    assert "not UTF-8 (byte 5); read as Latin-1" in done.stderr


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("nowhere.py:1", "there is no file", id="no such file"),
        pytest.param(".:1", "cannot read", id="a folder"),
        pytest.param("code.py:99", "ends at line 9; there is no line 99", id="line past the end"),
        pytest.param("code.py:1:99", "has 14 characters; the last column is 15", id="column past the end"),
        pytest.param("binary.py:1", "is a binary file: it has a NUL byte at 3", id="binary"),
    ],
)
def test_place_that_cannot_be_completed_at(code: Path, place: str, message: str) -> None:
    (code.parent / "binary.py").write_bytes(b"abc\0")
    done = run(MIDFILL, "complete", f"{code.parent}/{place}")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("place", ["code.py", "code.py:", "code.py:0", "code.py:1:0", "code.py:x", ":3"])
def test_wrong_usage(place: str) -> None:
    done = run(MIDFILL, "complete", place)
    assert done.returncode == 2
    assert "FILE:LINE" in done.stderr


@pytest.mark.parametrize("n_tokens", ["0", "-3", "many"])
def test_wrong_number_of_tokens(code: Path, n_tokens: str) -> None:
    done = run(MIDFILL, "complete", f"{code}:1", f"--max-tokens={n_tokens}")
    assert done.returncode == 2
    assert "not a whole number of at least 1" in done.stderr


def test_unknown_model_suggests_the_nearest(code: Path) -> None:
    done = run(MIDFILL, "complete", f"{code}:1", "--model", "smollm")
    assert done.returncode == 1
    assert f"did you mean '{DEFAULT_MODEL}'" in done.stderr


def test_unreadable_model_says_what_is_wrong(code: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.gguf", tmp_path / "part.gguf"
    write_tiny_gguf(whole)
    part.write_bytes(whole.read_bytes()[:-100])
    done = run(MIDFILL, "complete", f"{code}:1", "--model", str(part))
    assert done.returncode == 1
    assert "part.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_adapter_says_what_is_wrong(code: Path) -> None:
    done = run(MIDFILL, "complete", f"{code}:1", "--lora", "nowhere.gguf")
    assert done.returncode == 1
    assert "nowhere.gguf" in done.stderr
    assert "Traceback" not in done.stderr
