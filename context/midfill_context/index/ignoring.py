"""What the user has told to ignore: `.gitignore` in every folder, `.git/info/exclude`, and `.midfillignore`.

A `.midfillignore` has the syntax of a `.gitignore` and the last word: it can bring back what Git ignores.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".midfillignore", ".gitignore")
IGNORED = "ignored by {}"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class _Rules:
    """One ignore file. Its paths begin `n_dropped` characters into ours, behind `added`."""

    name: str
    spec: GitIgnoreSpec
    n_dropped: int
    added: str = ""

    def verdict(self, path: str) -> bool | None:
        return self.spec.check_file(self.added + path[self.n_dropped :]).include


class IgnoreRules:
    """The rules that hold for the files right in one folder and for its subfolders.

    `chains` are the rules of each kind of ignore file, those of the innermost folder first.
    """

    def __init__(self, chains: tuple[tuple[_Rules, ...], ...]) -> None:
        self._chains = chains

    @classmethod
    def at_root(cls, root: Path) -> IgnoreRules:
        """The rules at the top of a workspace, which may lie deep in a repository, or in a folder that one ignores."""
        top = _repository(root)
        rules = cls(tuple(_chain(root, name, top) for name in IGNORE_FILES))
        if top not in (None, root) and rules.why(""):
            return cls(tuple(_chain(root, name, None) for name in IGNORE_FILES))
        return rules

    def below(self, root: Path, folder: str, names: frozenset[str]) -> IgnoreRules:
        """The rules in a folder of the workspace; `names` are what lies in it."""
        if names.isdisjoint(IGNORE_FILES):
            return self
        own = (_read(root / folder, name, len(folder) + 1) if name in names else () for name in IGNORE_FILES)
        return IgnoreRules(tuple(new + old for new, old in zip(own, self._chains, strict=True)))

    def why(self, path: str) -> str | None:
        """The reason to ignore a path of the workspace; that of a folder ends with `/`."""
        for chain in self._chains:
            for rules in chain:
                verdict = rules.verdict(path)
                if verdict is not None:
                    return IGNORED.format(rules.name) if verdict else None
        return None


def _chain(root: Path, name: str, top: Path | None) -> tuple[_Rules, ...]:
    """The ignore files of one kind from a workspace up to the top of its repository."""
    chain = _read(root, name, 0)
    if top is None:
        return chain
    for above in root.parents[: len(root.parts) - len(top.parts)]:
        chain += _read(above, name, 0, f"{root.relative_to(above).as_posix()}/")
    if name == ".gitignore":
        chain += _read(top, ".git/info/exclude", 0, f"{root.relative_to(top).as_posix()}/" if top != root else "")
    return chain


def _read(folder: Path, name: str, n_dropped: int, added: str = "") -> tuple[_Rules, ...]:
    try:
        data = (folder / name).read_bytes()[:_MAX_BYTES]
    except OSError:
        return ()
    lines = data.decode(errors="replace").splitlines()
    spec = _spec(lines)
    return (_Rules(name, spec, n_dropped, added),) if len(spec) else ()


def _spec(lines: list[str]) -> GitIgnoreSpec:
    """All rules that are well-formed: Git passes over the others as well."""
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec([pattern for line in lines for pattern in _patterns(line)])


def _patterns(line: str) -> list:  # type: ignore[type-arg]  # pathspec's own pattern type is private
    try:
        return list(GitIgnoreSpec.from_lines([line]).patterns)
    except ValueError:
        return []


def _repository(root: Path) -> Path | None:
    """The folder of the Git repository around a workspace."""
    return next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), None)
