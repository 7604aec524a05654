"""Follows a name through re-exports to the file that defines it."""

from __future__ import annotations

from collections.abc import Callable

from midfill_context.imports.project import ProjectFiles
from midfill_context.syntax.imported import SELF, Import

MAX_FILES = 50

# Where a name leads that an import takes out of its module: the file, and its name there (empty: the file itself).
# An empty name asks for the module.
Origin = Callable[[Import, str, str], "tuple[str, str] | None"]


def definer(path: str, name: str, project: ProjectFiles, origin: Origin) -> tuple[str, str]:
    """The file that defines what `path` offers as `name`, and its name there.

    Where no file is seen to define it, as with names made at run time, that is the last one which the name is said to
    come from. Cycles end.
    """
    last = (path, name)
    seen: set[tuple[str, str]] = set()
    todo = [last]
    while todo and len(seen) < MAX_FILES:
        place = todo.pop()
        if not place[1] or place[1] in project.names(place[0]):
            return place
        if place not in seen:
            seen.add(place)
            named, by_wildcard = _further(*place, project, origin)
            todo += [*reversed(by_wildcard), *reversed(named)]
            last = next((found for found in named if found not in seen), last)
    return last


Places = list[tuple[str, str]]


def _further(path: str, name: str, project: ProjectFiles, origin: Origin) -> tuple[Places, Places]:
    """Where a file takes a name from that it does not define: by name, and possibly by a wildcard."""
    named: Places = []
    by_wildcard: Places = []
    facts = project.facts(path)
    for imported in facts.imports if facts else ():
        found = [origin(imported, "", path)] if imported.alias == name else []
        found += [
            (path, taken.name) if imported.module == SELF else origin(imported, taken.name, path)
            for taken in imported.names
            if taken.local == name
        ]
        named += [place for place in found if place]
        if imported.is_wildcard and not found:
            module = origin(imported, "", path)
            by_wildcard += [(module[0], name)] if module else []
    return named, by_wildcard
