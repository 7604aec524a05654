"""PHP: classes by PSR-4 of composer.json or by the namespace that their file declares; files by `require`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from midfill_context.imports.project import ProjectFiles, Target, folder_of, join, nearest
from midfill_context.imports.toml_files import section, strings
from midfill_context.syntax.imported import Import


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The file of each class that a `use` names, or the file that is included."""
    if imported.kind in ("include", "relative"):
        own = join(folder_of(from_path), imported.module.lstrip("/"))
        folders = [own] if imported.kind == "relative" else [own, join("", imported.module)]
        path = project.first(folder for folder in folders if folder is not None)
        return [Target("", path, "")] if path else []
    namespace = imported.module
    places = ((taken, _file(namespace, taken.name, from_path, project)) for taken in imported.names)
    return [Target(taken.local, path, taken.name) for taken, path in places if path]


def implicit(from_path: str, project: ProjectFiles) -> list[Target]:
    """What a file uses of its own namespace."""
    facts = project.facts(from_path)
    namespaces = facts.packages if facts else ()
    found = []
    for namespace in namespaces:
        for word in project.words(from_path):
            path = nearest(project.of_type(namespace, word), from_path)
            if path and path != from_path:
                found.append(Target(word, path, word))
    return found


def _file(namespace: str, name: str, from_path: str, project: ProjectFiles) -> str | None:
    """Where PSR-4 has the file, or else where the name is defined."""
    rules = project.derived("psr-4", lambda: sorted(_rules(project), key=lambda rule: -len(rule[0])))
    full = f"{namespace}\\{name}" if namespace else name
    candidates = (
        join(folder, full[len(prefix) :].replace("\\", "/") + ".php")
        for prefix, folder in rules
        if full.startswith(prefix)
    )
    by_rule = project.first(path for path in candidates if path is not None)
    return by_rule or nearest(project.of_type(namespace, name), from_path)


def _rules(project: ProjectFiles) -> Iterator[tuple[str, str]]:
    """Prefixes of namespaces and their folders."""
    for path in project.named("composer.json"):
        for kind in ("autoload", "autoload-dev"):
            table = section(project.json(path), kind, "psr-4")
            for prefix, folders in table.items() if isinstance(table, Mapping) else ():
                for place in strings(folders):
                    folder = join(folder_of(path), place)
                    if folder is not None:
                        yield prefix, folder
