"""The files of one project as import resolution sees them: which there are, what they declare, what configures them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from functools import cache
from itertools import takewhile
from typing import NamedTuple, TypeVar

from midfill_context.imports.jsonc import parse_object
from midfill_context.languages import languages
from midfill_context.syntax.definitions import NAMESPACES
from midfill_context.syntax.facts import FileFacts
from midfill_context.syntax.imported import Import

T = TypeVar("T")

# Where a package name, and not a path, says what a file belongs to.
_PACKAGED = frozenset({"java", "kotlin", "csharp", "php"})
# Imports that say something of other files as well: modules of Rust, global usings of C#.
_DECLARING = frozenset({"mod", "global"})
# The languages of both: only their facts are looked at when files are added.
_TELLING = _PACKAGED | {"rust"}
_CONFIGURATION = (".json", ".jsonc", ".toml", ".mod", ".work", ".cfg")


class Target(NamedTuple):
    """What an import leads to: a file, and which name of it the importing file knows as `local`.

    `name` is empty for the file as a whole; `local` is empty for what is imported without a name of its own.
    """

    local: str
    path: str
    name: str


class ProjectFiles:
    """A set of paths with `/`, relative to the project, with tables that follow every change.

    `read` gives the text of a file and `facts` what is known of it; both answer None for what cannot be had.
    """

    def __init__(self, read: Callable[[str], str | None], facts: Callable[[str], FileFacts | None]) -> None:
        self._read = read
        self._read_facts = facts
        self._paths: set[str] = set()
        self._by_name: defaultdict[str, set[str]] = defaultdict(set)
        self._by_folder: defaultdict[str, set[str]] = defaultdict(set)
        self._by_type: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._types: dict[str, list[tuple[str, str]]] = {}
        self._declared: dict[str, list[Import]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._derived: dict[Hashable, object] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    @property
    def paths(self) -> Set[str]:
        return self._paths

    def add(self, paths: Iterable[str]) -> None:
        """Files that are new, or whose text and facts have changed."""
        for path in paths:
            if path in self._paths:
                self._forget(path)
            else:
                self._paths.add(path)
                self._by_name[name_of(path)].add(path)
                self._by_folder[folder_of(path)].add(path)
                self._derived.clear()
            if path.endswith(_CONFIGURATION):
                self._derived.clear()
            self._learn(path)

    def remove(self, paths: Iterable[str]) -> None:
        for path in self._paths.intersection(paths):
            self._forget(path)
            self._declared.pop(path, None)
            self._paths.remove(path)
            self._by_name[name_of(path)].discard(path)
            self._by_folder[folder_of(path)].discard(path)
            self._derived.clear()

    def facts(self, path: str) -> FileFacts | None:
        return self._read_facts(path) if path in self._paths else None

    def text(self, path: str) -> str:
        """The text of a file; empty where it cannot be read."""
        return (self._read(path) or "") if path in self._paths else ""

    def json(self, path: str) -> Mapping[str, object]:
        """A configuration file in JSON, comments and trailing commas allowed; empty where there is none."""
        return self.derived(("json", path), lambda: parse_object(self.text(path)))

    def named(self, name: str) -> list[str]:
        """All files with this file name, those high up first."""
        return sorted(self._by_name.get(name, ()), key=lambda path: (path.count("/"), path))

    def in_folder(self, folder: str) -> list[str]:
        """The files right in a folder."""
        return sorted(self._by_folder.get(folder, ()))

    def of_type(self, package: str, name: str) -> list[str]:
        """The files that define a name at the top of a package or namespace."""
        return sorted(self._by_type.get((package, name), ()))

    def packages_of(self, path: str) -> list[str]:
        """The packages or namespaces in which a file defines something."""
        return list(dict.fromkeys(package for package, _ in self._types.get(path, ())))

    def names(self, path: str) -> frozenset[str]:
        """What a file defines at its top, outside of any namespace."""
        if path not in self._names:
            facts = self.facts(path)
            definitions = facts.definitions if facts else ()
            self._names[path] = frozenset(known.name for known in definitions if not known.scope)
        return self._names[path]

    def words(self, path: str) -> Mapping[str, int]:
        """The identifiers of a file, with counts."""
        facts = self.facts(path)
        return facts.identifiers if facts else {}

    def first(self, candidates: Iterable[str]) -> str | None:
        """The first candidate that is a file of the project."""
        return next((path for path in candidates if path in self._paths), None)

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `make()`, kept under `key` until files come or go, or configuration changes."""
        if key not in self._derived:
            self._derived[key] = make()
        return self._derived[key]  # type: ignore[return-value]

    def _learn(self, path: str) -> None:
        facts = self.facts(path) if path.lower().endswith(_telling_extensions()) else None
        declared = [known._replace(line=0) for known in facts.imports if known.kind in _DECLARING] if facts else []
        if declared != self._declared.get(path, []):
            self._derived.clear()
            self._declared[path] = declared
        if facts is None or facts.language not in _PACKAGED:
            return
        self._types[path] = types = list(_types(facts))
        for package, name in types:
            self._by_type[package, name].add(path)

    def _forget(self, path: str) -> None:
        self._names.pop(path, None)
        for package, name in self._types.pop(path, ()):
            self._by_type[package, name].discard(path)


@cache
def _telling_extensions() -> tuple[str, ...]:
    return tuple(extension for known in languages() if known.id in _TELLING for extension in known.extensions)


def _types(facts: FileFacts) -> Iterator[tuple[str, str]]:
    """What stands at the top of a file's package, or right in one of its namespaces."""
    package = facts.packages[0] if facts.packages else ""
    namespaces = {"": package}
    for known in facts.definitions:
        if known.kind in NAMESPACES:
            namespaces[known.qualified_name] = ".".join(filter(None, (package, known.qualified_name)))
        elif known.scope in namespaces:
            yield namespaces[known.scope], known.name


def nearest(paths: Iterable[str], from_path: str) -> str | None:
    """Of several paths the one that shares most folders with `from_path`; of equals the shortest."""
    own = from_path.split("/")

    def n_shared(path: str) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(path.split("/"), own, strict=False)))

    return min(paths, key=lambda path: (-n_shared(path), path.count("/"), path), default=None)


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def folder_of(path: str) -> str:
    """The folder of a path; empty at the top."""
    return path.rpartition("/")[0]


def join(folder: str, relative: str) -> str | None:
    """`relative` as seen from `folder`, without `.` and `..`; None when it leads out of the project."""
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def below(folder: str, name: str) -> str:
    """`name` in `folder`, both taken as they are."""
    return f"{folder}/{name}" if folder else name


def ancestors(folder: str) -> list[str]:
    """The folder itself and those above it, up to the top (empty)."""
    found = [folder]
    while folder:
        folder = folder_of(folder)
        found.append(folder)
    return found
