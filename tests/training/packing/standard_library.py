"""Packages of the standard library as projects of a corpus."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path

from midfill_training.corpus.documents import Project, SourceFile

PACKAGES = ("concurrent", "dbm", "html", "json", "urllib", "wsgiref")
PROSE = "A title\n=======\n\n" + "It says *nothing* of use, but at some length.\n" * 30


@cache
def projects() -> tuple[Project, ...]:
    """Each with a file of prose and an empty one."""
    return tuple(map(_project, PACKAGES))


def _project(name: str) -> Project:
    root = Path(sysconfig.get_path("stdlib"))
    files = [
        SourceFile(name, path.relative_to(root).as_posix(), "python", path.read_text(encoding="utf-8"))
        for path in sorted((root / name).rglob("*.py"))
        if path.stat().st_size < 20_000
    ]
    return Project(
        name, (SourceFile(name, "README.md", "markdown", PROSE), *files, SourceFile(name, "x.py", "python", ""))
    )
