"""Which file a uri means, and where that file lies in the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

_DRIVE = re.compile(r"/[A-Za-z]:")


def path_of(uri: str) -> PurePath | None:
    """The path of a `file:` uri; `None` for anything else, such as `untitled:` or a malformed uri."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # such as an unclosed bracket in the host
        return None
    path = unquote(parts.path)
    if parts.scheme != "file" or not path:
        return None
    if _DRIVE.match(path):
        return PureWindowsPath(path[1:])
    if parts.netloc and parts.netloc != "localhost":
        return PureWindowsPath(f"//{parts.netloc}{path}")
    return PurePosixPath(path)


def locate(path: PurePath, folders: Iterable[PurePath]) -> tuple[PurePath, str] | None:
    """The innermost of the folders that holds a path, and the path inside it, with `/`; `None` where none does."""
    found = [(folder, path.relative_to(folder).as_posix()) for folder in folders if _holds(folder, path)]
    return max(found, key=lambda place: len(place[0].parts), default=None)


def relative_path(uri: str, folders: Iterable[PurePath]) -> str:
    """The path of a document inside the innermost of the folders that holds it, with `/`.

    Of a file outside every folder only the name is told: the rest of the path says nothing about the project
    and something about the user. Empty for a document without a file.
    """
    path = path_of(uri)
    if path is None:
        return ""
    within = locate(path, folders)
    return within[1] if within else path.name


def _holds(folder: PurePath, path: PurePath) -> bool:
    same_system = isinstance(folder, PureWindowsPath) == isinstance(path, PureWindowsPath)
    return same_system and path.is_relative_to(folder)
