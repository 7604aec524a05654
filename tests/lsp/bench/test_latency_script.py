"""The typing script: the same for everybody, and the file is what it was in the end."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from midfill_lsp.bench.latency.script import N_FILES, Buffer, Edit, Key, Kind, Shown, sessions

SOURCE = Path(textwrap.__file__).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some modules of the standard library, and one that is too short."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("textwrap", "shlex", "cmd", "sched", "queue", "colorsys", "keyword", "fnmatch", "reprlib", "bisect"):
        (folder / f"{name}.py").write_bytes((SOURCE / f"{name}.py").read_bytes())
    return folder


@pytest.mark.parametrize("shown", [None, Shown("suggested()"), Shown("two\nlines")], ids=["nothing", "one", "two"])
def test_file_is_whole_in_the_end(project: Path, shown: Shown | None) -> None:
    for session in sessions(project, 3):
        buffer = Buffer(session.text)
        for key in session.keys:
            buffer.press(key, shown if key.kind is Kind.ACCEPT else None)
        whole = (project / session.path).read_text(encoding="utf-8")
        assert session.text != whole
        assert buffer.text == whole


def test_script_is_long_enough_and_the_same_every_time(project: Path) -> None:
    script = sessions(project, 3)
    assert script == sessions(project, 3)
    assert len({session.path for session in script}) == 3
    for session in script:
        assert {key.kind for key in session.keys} == set(Kind)
        assert N_FILES * len(session.keys) >= 300
        assert sum(key.is_due for key in session.keys) == 8


def test_too_few_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="0 files of code that suit, and 5 are needed"):
        sessions(tmp_path)


@pytest.mark.parametrize(
    ("key", "edit", "text"),
    [
        (Key(Kind.TYPE, 0, "x"), Edit(2, 2, "x"), "f(x|)"),
        (Key(Kind.BACKSPACE, 0), Edit(1, 2, ""), "f|)"),
        (Key(Kind.JUMP, 0, to=3), None, "f()|"),
        (Key(Kind.ACCEPT, 0, "typed"), Edit(2, 3, "x).y()"), "f(x).y()|"),
    ],
)
def test_keys(key: Key, edit: Edit | None, text: str) -> None:
    buffer = Buffer("f()")
    buffer.offset = 2
    assert buffer.press(key, Shown("x).y()", n_replaced=1)) == edit
    assert buffer.text[: buffer.offset] + "|" + buffer.text[buffer.offset :] == text


def test_correction_brings_back_what_was_replaced() -> None:
    buffer = Buffer("f()")
    buffer.offset = 2
    buffer.press(Key(Kind.ACCEPT, 0, ""), Shown("x).y()", n_replaced=1))
    buffer.press(Key(Kind.CORRECT, 0, "z"), None)
    assert (buffer.text, buffer.offset) == ("f(z)", 3)
