"""Finds the files of a workspace that may be read, and says of every other one why not.

No link is followed: what it leads to is either indexed where it lies or lies outside. Everything is bounded, because
a workspace may turn out to be a home directory.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from midfill_context.imports.project import below, folder_of, name_of
from midfill_context.index.ignoring import IGNORE_FILES, IgnoreRules
from midfill_context.index.skipping import (
    MAX_BYTES,
    NO_CODE,
    TOO_LARGE,
    why_skip_around,
    why_skip_folder,
    why_skip_name,
)

MAX_FILES = 50_000
MAX_ENTRIES = 1_000_000  # of folders, whatever they are
UNREADABLE = "unreadable"
LINK = "link"
LINK_OUT = "link out of the workspace"
NO_FILE = "no regular file"
NO_UTF8 = "name is not UTF-8"
HIDDEN_AT_HOME = "hidden folder of the home directory"


class Stamp(NamedTuple):
    """By which a file is taken to be unchanged."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Listing:
    """What lies below a folder. Files that are no code are only counted."""

    files: dict[str, Stamp] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    n_no_code: int = 0
    is_cut: bool = False  # there is more, but a bound was reached


class Folder(NamedTuple):
    """What stands at a path that may be entered."""

    path: str


class Walker:
    """Walks one workspace. `root` is absolute and no link."""

    def __init__(self, root: Path, max_files: int = MAX_FILES, max_entries: int = MAX_ENTRIES) -> None:
        self._root = root
        self._max_files = max_files
        self._max_entries = max_entries
        self._is_home = is_home(root)
        self._entered: dict[str, IgnoreRules | str] = {}

    def forget(self, folder: str = "") -> None:
        """Read the ignore files anew; those in a folder and below it, or all."""
        self._entered = {
            known: rules for known, rules in self._entered.items() if folder and not is_below(known, folder)
        }

    def has_entered(self, folder: str) -> bool:
        return isinstance(self._entered.get(folder), IgnoreRules)

    def walk(self, folder: str = "") -> Listing:
        """All files at or below a folder, those high up first."""
        files: dict[str, Stamp] = {}
        skipped: dict[str, str] = {}
        n_no_code = n_entries = 0
        todo = deque([folder])
        while todo:
            here = todo.popleft()
            entries = self._entries(here)
            rules = self._enter(here, entries)
            if isinstance(rules, str):
                skipped[printable(here)] = rules
                continue
            n_entries += len(entries or ())
            for entry in entries or ():
                path = below(here, entry.name)
                found = self._judge(path, entry, rules)
                if isinstance(found, Stamp):
                    files[path] = found
                elif isinstance(found, Folder):
                    todo.append(path)
                elif found == NO_CODE:
                    n_no_code += 1
                elif found:
                    skipped[printable(path)] = found
            if len(files) > self._max_files or n_entries > self._max_entries:
                kept = dict(list(files.items())[: self._max_files])
                return Listing(kept, skipped, n_no_code, is_cut=True)
        return Listing(files, skipped, n_no_code)

    def look_at(self, path: str) -> Stamp | Folder | str | None:
        """What stands at a path: a file to read, a folder to walk, the reason to leave it, or nothing at all."""
        rules = self._rules(folder_of(path))
        return rules if isinstance(rules, str) else self._judge(path, self._root / path, rules)

    def why_not(self, path: str) -> str | None:
        """The reason not to read a file by its place and name, whether it exists or not."""
        rules = self._rules(folder_of(path))
        return rules if isinstance(rules, str) else rules.why(path) or why_skip_name(name_of(path))

    def _judge(self, path: str, entry: os.DirEntry[str] | Path, rules: IgnoreRules) -> Stamp | Folder | str | None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return UNREADABLE
        if stat.S_ISDIR(status.st_mode):
            return why_skip_folder(entry.name) or self._why_hidden(path) or rules.why(path + "/") or Folder(path)
        if stat.S_ISLNK(status.st_mode):
            return self._link(path)
        if not stat.S_ISREG(status.st_mode):
            return NO_FILE
        reason = why_skip_name(entry.name) or rules.why(path)
        if reason is None and status.st_size > MAX_BYTES:
            reason = TOO_LARGE
        if reason is None and printable(path) != path:
            reason = NO_UTF8
        return reason or Stamp(status.st_size, status.st_mtime_ns)

    def _link(self, path: str) -> str:
        try:
            target = (self._root / path).resolve()
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
            return LINK
        return LINK if target.is_relative_to(self._root) else LINK_OUT

    def _why_hidden(self, path: str) -> str | None:
        return HIDDEN_AT_HOME if self._is_home and path.startswith(".") else None

    def _rules(self, folder: str) -> IgnoreRules | str:
        """The rules in a folder, or why it is not entered."""
        known = self._entered.get(folder)
        if known is not None:
            return known
        if folder:
            above = self._rules(folder_of(folder))
            if isinstance(above, str):
                return above
            found = self._judge(folder, self._root / folder, above)
            if isinstance(found, str):
                return found
            if not isinstance(found, Folder):
                return above  # not there yet: no rules of its own
        return self._enter(folder, self._entries(folder))

    def _enter(self, folder: str, entries: list[os.DirEntry[str]] | None) -> IgnoreRules | str:
        rules: IgnoreRules | str
        if entries is None:
            return UNREADABLE
        names = frozenset(entry.name for entry in entries)
        if not folder:
            rules = IgnoreRules.at_root(self._root)
        else:
            above = self._rules(folder_of(folder))
            rules = (
                above if isinstance(above, str) else why_skip_around(names) or above.below(self._root, folder, names)
            )
        self._entered[folder] = rules
        return rules

    def _entries(self, folder: str) -> list[os.DirEntry[str]] | None:
        """What lies in a folder, sorted; None where that cannot be seen."""
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return None


def changes_rules(path: str) -> bool:
    """Whether a change of this file may change what is ignored elsewhere."""
    name = name_of(path)
    return name in IGNORE_FILES or path == ".git/info/exclude" or why_skip_around(frozenset((name,))) is not None


def is_home(root: Path) -> bool:
    """Whether a workspace is everything that the user has, or more."""
    return Path.home().is_relative_to(root)


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def printable(path: str) -> str:
    """A path as it can be shown and stored: names on disk need not be UTF-8."""
    return path.encode(errors="surrogateescape").decode(errors="replace")
