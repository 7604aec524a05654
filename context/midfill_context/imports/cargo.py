"""Cargo: the crates of a project and the files in which they begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from midfill_context.imports.project import ProjectFiles, below, folder_of, join
from midfill_context.imports.toml_files import parse_toml, section

_TARGETS = ("bin", "example", "test", "bench")
_TARGET_FOLDERS = ("src/bin", "examples", "tests", "benches")


@dataclass(frozen=True)
class Crate:
    """A package of Cargo: the name that `use` knows it by, the file of its library, the root files of all targets."""

    name: str
    library: str
    roots: tuple[str, ...]


def crates(project: ProjectFiles) -> list[Crate]:
    """The packages of all Cargo.toml."""
    return [crate for path in project.named("Cargo.toml") for crate in _crates(path, project)]


def _crates(path: str, project: ProjectFiles) -> Iterator[Crate]:
    tables, folder = parse_toml(project.text(path)), folder_of(path)
    name = section(tables, "lib", "name") or section(tables, "package", "name")
    if not isinstance(name, str):
        return
    declared = section(tables, "lib", "path")
    library = join(folder, declared if isinstance(declared, str) else "src/lib.rs") or ""
    library = library if library in project else ""
    roots = dict.fromkeys([library, *_roots(tables, folder, project)])
    yield Crate(name.replace("-", "_"), library, tuple(root for root in roots if root))


def _roots(tables: object, folder: str, project: ProjectFiles) -> Iterator[str]:
    """main.rs, build.rs, what targets declare, and each file of the folders in which Cargo looks for targets."""
    yield from (path for name in ("src/main.rs", "build.rs") if (path := below(folder, name)) in project)
    for kind in _TARGETS:
        rows = section(tables, kind)
        for row in rows if isinstance(rows, list) else []:
            place = section(row, "path")
            declared = join(folder, place) if isinstance(place, str) else None
            if declared and declared in project:
                yield declared
    for place in _TARGET_FOLDERS:
        target_folder = below(folder, place)
        yield from (path for path in project.in_folder(target_folder) if path.endswith(".rs"))
        mains = (path for path in project.named("main.rs") if folder_of(folder_of(path)) == target_folder)
        yield from mains
