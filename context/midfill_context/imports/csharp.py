"""C#: types by namespace. `using` opens a namespace, so what counts is which of its types a file uses."""

from __future__ import annotations

from collections.abc import Iterator

from midfill_context.imports.project import ProjectFiles, Target
from midfill_context.syntax.imported import Import


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The used types of a namespace; for `using static` and an alias the type itself."""
    namespace, _, name = imported.module.rpartition(".")
    if imported.kind == "static" or imported.alias:
        found = [Target(imported.alias or name, path, name) for path in project.of_type(namespace, name)]
        if found:
            return found
    return list(_used(imported.module, from_path, project))


def implicit(from_path: str, project: ProjectFiles) -> list[Target]:
    """What a file sees without a `using` of its own: its namespaces, those around them, and global usings."""
    opened = [name for package in project.packages_of(from_path) for name in _around(package)]
    everywhere = project.derived("global usings", lambda: _global_usings(project))
    found = [target for namespace in dict.fromkeys(opened) for target in _used(namespace, from_path, project)]
    return found + [target for imported in everywhere for target in targets(imported, from_path, project)]


def _around(namespace: str) -> Iterator[str]:
    """`A.B.C`, `A.B`, `A`, and what is in no namespace."""
    while namespace:
        yield namespace
        namespace = namespace.rpartition(".")[0]
    yield ""


def _global_usings(project: ProjectFiles) -> list[Import]:
    found: dict[Import, None] = {}
    for path in sorted(path for path in project.paths if path.endswith(".cs")):
        facts = project.facts(path)
        for imported in facts.imports if facts else ():
            if imported.kind == "global":
                found[imported._replace(line=0)] = None
    return list(found)


def _used(namespace: str, from_path: str, project: ProjectFiles) -> Iterator[Target]:
    """The types of a namespace that stand in a file; a partial type lies in several files."""
    for word in project.words(from_path):
        yield from (Target(word, path, word) for path in project.of_type(namespace, word) if path != from_path)
