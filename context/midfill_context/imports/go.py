"""Go: an import path names the folder of a package, below the folder of the module that go.mod names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from midfill_context.imports.project import ProjectFiles, Target, folder_of, join
from midfill_context.syntax.imported import Import

_MODULE = re.compile(r'^\s*module\s+"?([^\s"]+)', re.MULTILINE)
_REPLACE = re.compile(r"^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s*=>\s*(\.{1,2}(?:/\S*)?)\s*(?://.*)?$", re.MULTILINE)


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The files of a package that define what the file uses of it; all of them where it uses nothing by name."""
    folder = package_folder(imported.module, from_path, project)
    if folder is None:
        return []
    paths = [path for path in _go_files(folder, project) if not path.endswith("_test.go")]
    return list(_used(paths, from_path, project)) or [Target("", path, "") for path in paths]


def implicit(from_path: str, project: ProjectFiles) -> list[Target]:
    """What a file uses of its own package; only tests see what tests define."""
    package = _package(from_path, project)
    is_test = from_path.endswith("_test.go")
    paths = [
        path
        for path in _go_files(folder_of(from_path), project)
        if path != from_path and _package(path, project) == package and (is_test or not path.endswith("_test.go"))
    ]
    return list(_used(paths, from_path, project))


def package_folder(import_path: str, from_path: str, project: ProjectFiles) -> str | None:
    """The folder of a package; None where it is of no module of the project, or internal to another part of it."""
    if import_path.startswith("."):
        folder = join(folder_of(from_path), import_path)
    else:
        folder = _in_modules(import_path, project)
    if folder is None or not _may_import(folder, from_path):
        return None
    return folder


def _in_modules(import_path: str, project: ProjectFiles) -> str | None:
    """By the module with the longest name that begins the path."""
    modules = project.derived("go modules", lambda: dict(_modules(project)))
    name = import_path
    while name and name not in modules:
        name = name.rpartition("/")[0]
    return join(modules[name], import_path[len(name) :]) if name else None


def _modules(project: ProjectFiles) -> Iterator[tuple[str, str]]:
    """Names and folders of the modules; what `replace` says to lie in a folder is one too."""
    files = project.named("go.mod")
    for path in [*project.named("go.work"), *files]:
        for name, place in _REPLACE.findall(project.text(path)):
            folder = join(folder_of(path), place)
            if folder is not None:
                yield name, folder
    for path in files:
        found = _MODULE.search(project.text(path))
        if found:
            yield found[1], folder_of(path)


def _may_import(folder: str, from_path: str) -> bool:
    """`a/internal/b` is for what lies in `a`."""
    before, internal, _ = f"/{folder}/".partition("/internal/")
    return not internal or f"/{from_path}".startswith(f"{before}/")


def _go_files(folder: str, project: ProjectFiles) -> list[str]:
    return [path for path in project.in_folder(folder) if path.endswith(".go")]


def _package(path: str, project: ProjectFiles) -> tuple[str, ...]:
    facts = project.facts(path)
    return facts.packages if facts else ()


def _used(paths: list[str], from_path: str, project: ProjectFiles) -> Iterator[Target]:
    words = project.words(from_path)
    for path in paths:
        yield from (Target(name, path, name) for name in sorted(project.names(path)) if name in words)
