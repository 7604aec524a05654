"""From uris to paths in the workspace."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from midfill_lsp.workspace import path_of, relative_path

WORK, INNER = PurePosixPath("/project"), PurePosixPath("/project/inner")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///project/a%20b.py", PurePosixPath("/project/a b.py")),
        ("file:///project/%C3%A9.py", PurePosixPath("/project/é.py")),
        ("file://localhost/project/a.py", PurePosixPath("/project/a.py")),
        ("file:///c%3A/project/a.py", PureWindowsPath("c:/project/a.py")),
        ("file://server/share/a.py", PureWindowsPath("//server/share/a.py")),
        ("untitled:Untitled-1", None),
        ("vscode-notebook-cell:/project/a.ipynb#W0", None),
        ("file://[/a", None),
        ("", None),
    ],
)
def test_path_of(uri: str, path: PurePath | None) -> None:
    assert path_of(uri) == path


@pytest.mark.parametrize(
    ("uri", "folders", "relative"),
    [
        ("file:///project/pkg/a.py", [WORK], "pkg/a.py"),
        ("file:///project/inner/a.py", [WORK, INNER], "a.py"),
        ("file:///elsewhere/private/a.py", [WORK], "a.py"),
        ("file:///workshop/a.py", [WORK], "a.py"),
        ("file:///C%3A/Work/pkg/a.py", [PureWindowsPath("c:/work"), WORK], "pkg/a.py"),
        ("file:///project/pkg/a.py", [Path("/project")], "pkg/a.py"),
        ("untitled:Untitled-1", [WORK], ""),
        ("file:///project/a.py", [], "a.py"),
    ],
)
def test_relative_path(uri: str, folders: list[PurePath], relative: str) -> None:
    assert relative_path(uri, folders) == relative
