"""Java and Kotlin: types and functions by the package that their files declare, wherever these lie."""

from __future__ import annotations

from collections.abc import Iterator

from midfill_context.imports.project import ProjectFiles, Target, nearest
from midfill_context.syntax.imported import Import


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """A type, a member of one (static), or of a whole package what the file uses."""
    if imported.is_wildcard:
        found = list(_used(imported.module, from_path, project))
        return found or list(_member(imported.module, "", from_path, project))
    return list(_member(imported.module, imported.alias, from_path, project))


def implicit(from_path: str, project: ProjectFiles) -> list[Target]:
    """What a file uses of its own package without an import."""
    packages = project.packages_of(from_path)
    return [target for package in packages for target in _used(package, from_path, project)]


def _member(qualified_name: str, alias: str, from_path: str, project: ProjectFiles) -> Iterator[Target]:
    """`a.b.C`, or `a.b.C.D` for something within C: the longest package that has such a type."""
    parts = qualified_name.split(".")
    for n_package in range(len(parts) - 1, -1, -1):
        path = nearest(project.of_type(".".join(parts[:n_package]), parts[n_package]), from_path)
        if path:
            yield Target(alias or parts[-1], path, ".".join(parts[n_package:]))
            return


def _used(package: str, from_path: str, project: ProjectFiles) -> Iterator[Target]:
    """The names of a package that stand in a file."""
    for word in project.words(from_path):
        path = nearest(project.of_type(package, word), from_path)
        if path and path != from_path:
            yield Target(word, path, word)
