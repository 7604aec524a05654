"""Rust: the modules of each crate of a Cargo workspace, and the paths of `use` through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from midfill_context.imports.cargo import crates
from midfill_context.imports.following import definer
from midfill_context.imports.project import ProjectFiles, Target, below, folder_of, join, name_of
from midfill_context.syntax.imported import Import

MAX_MODULES = 20_000
Path = tuple[str, ...]


@dataclass(frozen=True)
class Modules:
    """The module trees of all crates: files by (root file, path of the module), the other way round, and libraries."""

    files: Mapping[tuple[str, Path], str]
    places: Mapping[str, tuple[str, Path]]
    libraries: Mapping[str, str]


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The file of a declared module, or those of the items that a `use` names."""
    modules = project.derived("rust modules", lambda: _modules(project))
    if from_path not in modules.places:
        return []
    if imported.kind == "mod":
        root, place = modules.places[from_path]
        path = modules.files.get((root, (*place, *_scope(imported), imported.module)))
        return [Target(imported.module, path, "")] if path else []
    wanted: list[tuple[Path, str]] = [((name,), local) for name, local in imported.names]
    if imported.is_wildcard or not imported.names:
        wanted.append(((), imported.alias))
    found = []
    for name, local in wanted:
        item = _walk((*_segments(imported), *name), _scope(imported), from_path, modules)
        if item:
            found.append(Target(local, *_defined(item[0], item[1], project, modules)))
    return [target for target in found if target.path != from_path]


def _defined(path: str, item: str, project: ProjectFiles, modules: Modules) -> tuple[str, str]:
    """The file that defines an item which may be re-exported by `pub use`."""

    def origin(imported: Import, name: str, from_path: str) -> tuple[str, str] | None:
        if imported.kind == "mod":
            return None
        return _walk((*_segments(imported), *([name] if name else [])), _scope(imported), from_path, modules)

    first, dot, rest = item.partition(".")
    found, name = definer(path, first, project, origin)
    return found, name + dot + rest


def _segments(imported: Import) -> Path:
    return tuple(part.strip().removeprefix("r#") for part in imported.module.split("::") if part.strip())


def _scope(imported: Import) -> Path:
    return tuple(part for part in imported.scope.split(".") if part)


def _walk(segments: Path, scope: Path, from_path: str, modules: Modules) -> tuple[str, str] | None:
    """The file of the last module on a path, and the rest of the path joined with dots; None outside of the project."""
    if not segments or from_path not in modules.places:
        return None
    root, own = modules.places[from_path]
    start = _start(segments, (*own, *scope), root, modules)
    if start is None:
        return None
    root, path = start
    n_found = next((n for n in range(len(path), -1, -1) if (root, path[:n]) in modules.files), None)
    if n_found is None:
        return None
    return modules.files[root, path[:n_found]], ".".join(path[n_found:])


def _start(segments: Path, here: Path, root: str, modules: Modules) -> tuple[str, Path] | None:
    """The crate that a path leads into and the full path there. Child modules hide crates of the same name."""
    first, rest = segments[0], segments[1:]
    if first == "crate":
        return root, rest
    if first in ("self", "super"):
        n_up = 0
        while segments and segments[0] in ("self", "super"):
            n_up += segments[0] == "super"
            segments = segments[1:]
        return (root, here[: len(here) - n_up] + segments) if n_up <= len(here) else None
    if (root, (*here, first)) in modules.files:
        return root, here + segments
    if first in modules.libraries and modules.libraries[first] != root:
        return modules.libraries[first], rest
    if (root, (first,)) in modules.files:  # edition 2015: paths start at the crate
        return root, segments
    return None


def _modules(project: ProjectFiles) -> Modules:
    """Every crate's tree, from its root file along `mod` declarations."""
    found = crates(project)
    files: dict[tuple[str, Path], str] = {}
    places: dict[str, tuple[str, Path]] = {}
    todo: list[tuple[str, str, Path]] = [(root, root, ()) for crate in found for root in crate.roots]
    while todo and len(files) < MAX_MODULES:
        root, file, path = todo.pop()
        if (root, path) in files:
            continue
        files[root, path] = file
        # Cargo takes each file of tests/ for a crate; one that another declares is rather meant as its module.
        if file not in places or (path and not places[file][1]):
            places[file] = (root, path)
        todo += [(root, child, (*path, *inner)) for inner, child in _declared(file, file == root, project)]
    libraries = {crate.name: crate.library for crate in found if crate.library}
    return Modules(files, places, libraries)


def _declared(file: str, is_root: bool, project: ProjectFiles) -> Iterator[tuple[Path, str]]:
    """The modules that a file declares, each with its file. Modules within braces are folders on the way."""
    facts = project.facts(file)
    folder, stem = folder_of(file), name_of(file).removesuffix(".rs")
    below_file = folder if is_root or stem == "mod" else below(folder, stem)
    for imported in facts.imports if facts else ():
        if imported.kind != "mod":
            continue
        scope, name = _scope(imported), imported.module.removeprefix("r#")
        if imported.alias:
            child = join(below("/".join([below_file, *scope]), "") if scope else folder, imported.alias)
            candidates: Sequence[str | None] = (child,)
        else:
            place = "/".join(part for part in (below_file, *scope, name) if part)
            candidates = (f"{place}.rs", f"{place}/mod.rs")
        found = project.first(path for path in candidates if path is not None)
        if found:
            yield (*scope, name), found
