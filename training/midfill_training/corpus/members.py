"""From the files of one project, wherever they lie, to the files of a corpus: decoded, with language and licence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from midfill_context.languages import language_of
from midfill_training.corpus import licences
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.metadata import Metadata, is_metadata, read_metadata
from midfill_training.corpus.tally import Tally

# Folders of what a project depends on or makes, not of what it is.
FOREIGN_FOLDERS = frozenset(
    {"node_modules", "bower_components", "site-packages", "__pycache__", "__pypackages__", ".git", ".hg", ".svn"}
    | {".tox", ".nox", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".idea", ".vscode"}
)
MAX_LICENCE_BYTES = 100_000
_PACKAGE_INFO = re.compile(r"[^/]+\.(dist-info|egg-info)/")


@dataclass(frozen=True)
class Member:
    """A file as its source lists it; `read` is called before the next member is asked for, or not at all."""

    path: str
    n_bytes: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Reading:
    """What to read: ids of languages, and the largest file."""

    languages: frozenset[str]
    max_file_bytes: int


@dataclass(frozen=True)
class Origin:
    """The project that a file comes from. Two sources may call different projects by one name: `unit` tells them
    apart, and is empty where the name itself is the identity, as in tables of files. Counts are None where unknown."""

    name: str
    unit: str = ""
    stars: int | None = None
    commits: int | None = None


def decode(content: bytes) -> tuple[str, str]:
    """The text with `\\n` alone and without a byte order mark; or an empty one, and why it is left out."""
    if b"\0" in content:
        return "", "binary"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", "not UTF-8"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (text, "") if text.strip() else ("", "empty")


def read_file(path: str, n_bytes: int, read: Callable[[], bytes], reading: Reading, tally: Tally) -> SourceFile | None:
    """One file of code, still of no project; None, and counted, where it is none that is wanted."""
    found = language_of(path)
    if FOREIGN_FOLDERS.intersection(path.split("/")[:-1]):
        reason = "of another project"
    elif found is None or found.id not in reading.languages:
        reason = "of no wanted language"
    elif n_bytes > reading.max_file_bytes:
        reason = "too large"
    else:
        text, reason = decode(read())
        if not reason:
            return SourceFile("", path, found.id, text)
    tally.skip(reason)
    return None


def read_project(
    origin: Origin, members: Iterable[Member], reading: Reading, tally: Tally, *, licence: str = "", rooted: bool = True
) -> Iterator[tuple[Origin, SourceFile]]:
    """The files of one project. An archive that is not `rooted` holds everything in one folder, which is left away.

    `licence` overrides what the project says of itself.
    """
    files: list[SourceFile] = []
    about: dict[str, str] = {}  # texts of metadata and licence files by path
    for member in members:
        if (file := read_file(member.path, member.n_bytes, member.read, reading, tally)) is not None:
            files.append(file)
        elif _is_about(member.path) and member.n_bytes <= MAX_LICENCE_BYTES:
            about[member.path] = member.read().decode("utf-8", errors="replace")
    n_root = 0 if rooted else _root_length([*(file.path for file in files), *about])
    files = [replace(file, path=file.path[n_root:]) for file in files]
    about = {path[n_root:]: text for path, text in about.items()}
    metadata = read_metadata(about)
    governed = _Licences(about, metadata, licence)
    origin = replace(origin, name=metadata.label or origin.name)
    for file in files:
        yield origin, replace(file, licence=governed.of(file.path))


def _is_about(path: str) -> bool:
    name = path.rpartition("/")[2]
    return is_metadata(name) or (bool(licences.LICENCE_FILE.match(name)) and language_of(name) is None)


def _root_length(paths: list[str]) -> int:
    roots = {path.partition("/")[0] for path in paths if "/" in path}
    return len(roots.pop()) + 1 if len(roots) == 1 and all("/" in path for path in paths) else 0


class _Licences:
    """Which licence governs a file: its project's, and that of the nearest folder below the root that has its own."""

    def __init__(self, about: dict[str, str], metadata: Metadata, override: str) -> None:
        texts: dict[str, list[str]] = {}
        for path, text in sorted(about.items()):
            name = path.rpartition("/")[2]
            if licences.LICENCE_FILE.match(name):
                folder = str(PurePosixPath(_PACKAGE_INFO.sub("", path, count=1)).parent)
                texts.setdefault("." if folder == "licenses" else folder, []).append(text)
        self._project = override or licences.with_files(metadata.licence, texts.pop(".", []))
        self._folders = {} if override else {folder: licences.with_files("", each) for folder, each in texts.items()}

    def of(self, path: str) -> str:
        """The expression of one file."""
        for parent in PurePosixPath(path).parents:
            if own := self._folders.get(str(parent)):
                return own
        return self._project
