"""Python: modules, packages and namespace packages below the source roots of a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from midfill_context.imports.following import definer
from midfill_context.imports.project import ProjectFiles, Target, ancestors, below, folder_of, join
from midfill_context.imports.toml_files import parse_toml, section, strings
from midfill_context.syntax.imported import Import

SUFFIXES = (".py", ".pyi", ".pyx")
PACKAGE_FILES = tuple(f"__init__{suffix}" for suffix in SUFFIXES)
# Folders that tools put on the path without a word from the project.
USUAL_ROOTS = ("", "src", "lib", "python", "typings", "stubs")


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The modules that a statement names, and the files that define the names taken out of them."""
    found: list[Target] = []
    for local, path, name in modules(imported, from_path, project):
        defining = definer(path, name, project, partial(_origin, project))
        if defining[0] != path:
            found.append(Target("", path, ""))
        found.append(Target(local, *defining))
    return found


def modules(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The modules that Python loads for a statement: of `from a import b` that is `a.b` where `b` is one, or `a`."""
    if imported.kind == "import" or imported.is_wildcard:
        module = _module(imported.module, from_path, project)
        return [Target(imported.alias or imported.module, module, "")] if module else []
    places = ((taken.local, _origin(project, imported, taken.name, from_path)) for taken in imported.names)
    return [Target(local, *place) for local, place in places if place]


def _origin(project: ProjectFiles, imported: Import, name: str, from_path: str) -> tuple[str, str] | None:
    """An attribute of the module, or else a module below it."""
    module = _module(imported.module, from_path, project)
    if not name:
        return (module, "") if module else None
    if module and not module.endswith(PACKAGE_FILES):
        return module, name
    # `from . import a` in a package must not find the very import of it.
    if module and module != from_path and _offers(module, name, project):
        return module, name
    dot = "." if imported.module.strip(".") else ""
    submodule = _module(f"{imported.module}{dot}{name}", from_path, project)
    if submodule:
        return submodule, ""
    return (module, name) if module else None


def _offers(path: str, name: str, project: ProjectFiles) -> bool:
    if name in project.names(path):
        return True
    facts = project.facts(path)
    return facts is not None and any(taken.local == name for imported in facts.imports for taken in imported.names)


def _module(written: str, from_path: str, project: ProjectFiles) -> str | None:
    """The file of a module as an import writes it, dots in front included."""
    written = "".join(written.split())
    name = written.lstrip(".")
    parts, n_dots = name.split(".") if name else [], len(written) - len(name)
    if n_dots:
        above = ancestors(folder_of(from_path))
        return _below(above[n_dots - 1], parts, project) if n_dots <= len(above) else None
    return project.derived(
        ("python", folder_of(from_path), name), lambda: _absolute(parts, folder_of(from_path), project)
    )


def _absolute(parts: list[str], folder: str, project: ProjectFiles) -> str | None:
    """A regular package hides what bears its name in later roots; namespace packages are joined."""
    for root in _roots(folder, parts[0], project):
        found = _below(root, parts, project)
        if found or _package_file(below(root, parts[0]), project):
            return found
    return None


def _below(root: str, parts: list[str], project: ProjectFiles) -> str | None:
    """The file of a module below a folder: a package's `__init__`, or the module's own file."""
    stem = "/".join([*([root] if root else []), *parts])
    found = _package_file(stem, project)
    return found or (project.first(stem + suffix for suffix in SUFFIXES) if parts else None)


def _package_file(folder: str, project: ProjectFiles) -> str | None:
    return project.first(below(folder, name) for name in PACKAGE_FILES)


def _roots(folder: str, top: str, project: ProjectFiles) -> Iterator[str]:
    """Where an absolute import may start: the file's own root, then the other roots of the project.

    The standard library comes before those.
    """
    above = ancestors(folder)
    packages = [path for path in above if path and _package_file(path, project)]
    own = folder_of(packages[-1]) if packages else folder
    yield own
    if top in sys.stdlib_module_names:
        return
    yield from ancestors(own)
    yield from project.derived("python roots", lambda: _project_roots(project))


def _project_roots(project: ProjectFiles) -> list[str]:
    """Roots that the project declares, usual ones, and folders with packages in them that are no packages."""
    packages = {folder_of(path) for path in project.paths if path.endswith(PACKAGE_FILES)}
    parents = {folder_of(path) for path in packages if path and folder_of(path) not in packages}
    nearest_first = sorted(parents, key=lambda path: (path.count("/"), path))
    return list(dict.fromkeys([*_declared_roots(project), *USUAL_ROOTS, *nearest_first]))


def _declared_roots(project: ProjectFiles) -> Iterator[str]:
    """What pyproject.toml says to setuptools, Poetry, Hatch, pytest and type checkers."""
    for path in project.named("pyproject.toml"):
        tool = section(parse_toml(project.text(path)), "tool")
        packages = section(tool, "poetry", "packages")
        layout = section(tool, "setuptools", "package-dir")
        places = [
            *strings(section(tool, "setuptools", "packages", "find", "where")),
            *(layout.values() if isinstance(layout, dict) else []),
            *(section(row, "from") for row in (packages if isinstance(packages, list) else [])),
            *map(folder_of, strings(section(tool, "hatch", "build", "targets", "wheel", "packages"))),
            *strings(section(tool, "pytest", "ini_options", "pythonpath")),
            *strings(section(tool, "pyright", "extraPaths")),
            *strings(section(tool, "mypy", "mypy_path")),
        ]
        for place in places:
            root = join(folder_of(path), place) if isinstance(place, str) else None
            if root is not None:
                yield root
