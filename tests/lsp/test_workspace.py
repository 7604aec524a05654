"""From uris to paths in the workspace."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from midfill_lsp.workspace import path_of, relative_path

WORK, INNER = PurePosixPath("/work"), PurePosixPath("/work/inner")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///work/a%20b.py", PurePosixPath("/work/a b.py")),
        ("file:///work/%C3%A9.py", PurePosixPath("/work/é.py")),
        ("file://localhost/work/a.py", PurePosixPath("/work/a.py")),
        ("file:///c%3A/work/a.py", PureWindowsPath("c:/work/a.py")),
        ("file://server/share/a.py", PureWindowsPath("//server/share/a.py")),
        ("untitled:Untitled-1", None),
        ("vscode-notebook-cell:/work/a.ipynb#W0", None),
        ("file://[/a", None),
        ("", None),
    ],
)
def test_path_of(uri: str, path: PurePath | None) -> None:
    assert path_of(uri) == path


@pytest.mark.parametrize(
    ("uri", "folders", "relative"),
    [
        ("file:///work/pkg/a.py", [WORK], "pkg/a.py"),
        ("file:///work/inner/a.py", [WORK, INNER], "a.py"),
        ("file:///elsewhere/private/a.py", [WORK], "a.py"),
        ("file:///workshop/a.py", [WORK], "a.py"),
        ("file:///C%3A/Work/pkg/a.py", [PureWindowsPath("c:/work"), WORK], "pkg/a.py"),
        ("file:///work/pkg/a.py", [Path("/work")], "pkg/a.py"),
        ("untitled:Untitled-1", [WORK], ""),
        ("file:///work/a.py", [], "a.py"),
    ],
)
def test_relative_path(uri: str, folders: list[PurePath], relative: str) -> None:
    assert relative_path(uri, folders) == relative
