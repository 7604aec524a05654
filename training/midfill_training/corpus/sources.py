"""Where code comes from: folders, git repositories, archives and tables of files, and lists of those.

A folder that holds nothing but archives, tables and folders, and at least one archive, table or git repository, is a
folder of sources: each entry is one of its own. Any other folder is one project.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from midfill_training.corpus.archives import archive_name, damage_named, is_archive, read_archive
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.members import FOREIGN_FOLDERS, Member, Origin, Reading, read_project
from midfill_training.corpus.repositories import count_commits, head_commit, is_repository, read_repository
from midfill_training.corpus.settings import CorpusSettings, SourceLimits, wanted_languages
from midfill_training.corpus.tables import is_table, read_table
from midfill_training.corpus.tally import Tally
from midfill_training.errors import BadInput
from midfill_training.report.manifest import sha256
from midfill_training.settings import settings_from

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

LISTS = (".toml", ".txt")


@dataclass(frozen=True)
class Source:
    """One place to read from, and what is known of it beforehand: `licence` overrides what the project says.

    `content` tells whether it has changed: a sha256, or the commit of a repository.
    """

    path: str
    name: str = ""
    licence: str = ""
    stars: int | None = None
    commits: int | None = None
    content: str = ""


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """All sources that these paths stand for, each with its content's hash, in the order of their paths.

    The order of the arguments does not matter. BadInput for what is missing or no source at all.
    """
    found = {source.path: source for path in paths for source in _sources_at(path)}
    if bad := [path for path in found if not path.isprintable()]:
        raise BadInput(f"{bad[0]!r}: has a name that no manifest can hold; rename it")
    return [replace(source, content=_content(Path(path))) for path, source in sorted(found.items())]


def _sources_at(path: Path) -> Iterator[Source]:
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder")
    if path.suffix.lower() in LISTS and path.is_file():
        yield from _listed(path)
    elif path.is_dir() and not is_repository(path) and (entries := _entries(path)):
        yield from (Source(str(entry)) for entry in entries)
    elif path.is_dir() or is_archive(path) or is_table(path):
        yield Source(str(path))
    else:
        raise BadInput(
            f"{path}: no source of code; there are folders, git repositories, archives (.whl, .zip, .tar.gz, .tgz, "
            ".tar.xz, .tar.bz2, .tar.zst), tables (.jsonl, .jsonl.gz, .parquet) and lists of those (.txt, .toml)"
        )


def _entries(folder: Path) -> list[Path]:
    """The sources in a folder of sources; empty where it is a project itself."""
    entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    known = {each for each in entries if is_archive(each) or is_table(each) or (each.is_dir() and is_repository(each))}
    return entries if known and all(each in known or each.is_dir() for each in entries) else []


def _listed(path: Path) -> Iterator[Source]:
    """`[[source]]` tables with the fields of `Source`, or one path a line; `#` begins a comment. Paths are relative to
    the list."""
    try:
        text = path.read_text(encoding="utf-8")
        rows = tomllib.loads(text).get("source", []) if path.suffix.lower() == ".toml" else None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a list of sources: {error}") from error
    if rows is None:
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        rows = [{"path": line} for line in lines if line]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("path"), str):
            raise BadInput(f"{path}: source {number} has no path")
        known = settings_from(row, Source, f"{path}: source {number}")
        for source in _sources_at(path.parent / known.path):
            yield replace(known, path=source.path) if source == Source(source.path) else source


def _content(path: Path) -> str:
    return head_commit(path) if path.is_dir() and is_repository(path) else sha256(path)


def read_source(source: Source, settings: CorpusSettings, tally: Tally) -> Iterator[tuple[Origin, SourceFile]]:
    """The files of one source with the projects they come from. BadInput where it is refused or damaged."""
    path, limits = Path(source.path), settings.limits
    reading = Reading(wanted_languages(settings), limits.max_file_bytes)
    if is_table(path):
        yield from read_table(path, reading, tally)
        return
    name = source.name or path.resolve().name.removesuffix(".git")
    origin = Origin(name, unit=source.path, stars=source.stars, commits=source.commits)
    if path.is_dir() and is_repository(path):
        origin = replace(origin, commits=source.commits if source.commits is not None else count_commits(path))
        members = read_repository(path, source.content)
    elif path.is_dir():
        members = _walk(path, limits)
    else:
        origin = replace(origin, name=source.name or archive_name(path))
        members = read_archive(path, limits)
    with damage_named(path):
        rooted = path.is_dir()
        yield from read_project(origin, members, reading, tally, licence=source.licence, rooted=rooted)


def _walk(root: Path, limits: SourceLimits) -> Iterator[Member]:
    """The files of a folder in the order of their paths; links are not followed."""
    n_members = 0
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        folders[:] = sorted(each for each in folders if each not in FOREIGN_FOLDERS)
        for name in sorted(names):
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file():
                n_members += 1
                if n_members > limits.max_members:
                    raise BadInput(
                        f"{root}: holds more than {limits.max_members:,} files; name its projects one by one"
                    )
                yield Member(path.relative_to(root).as_posix(), path.stat().st_size, path.read_bytes)


def _unreadable(error: OSError) -> None:
    raise error
