"""JavaScript and TypeScript: what a module specifier means, by the rules of TypeScript's bundler resolution.

That is Node's resolution, with `paths` of tsconfig.json before it and sources found where built files are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from midfill_context.imports.following import definer
from midfill_context.imports.node_packages import MAIN_FIELDS, entries, internal, package_folder
from midfill_context.imports.project import ProjectFiles, Target, below, folder_of, join
from midfill_context.imports.tsconfig import configurations, stems
from midfill_context.syntax.imported import SELF, Import

EXTENSIONS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs", ".json", ".vue", ".svelte")
# A specifier names the file that the compiler will write; the source has another extension.
SOURCES = {
    ".js": (".ts", ".tsx", ".d.ts", ".js", ".jsx"),
    ".jsx": (".tsx", ".ts", ".d.ts", ".jsx"),
    ".mjs": (".mts", ".d.mts", ".mjs"),
    ".cjs": (".cts", ".d.cts", ".cjs"),
}
_BUILT = (".d.ts", ".d.mts", ".d.cts", ".js", ".mjs", ".cjs", ".jsx")


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The module, and the files that define the names taken out of it."""
    if imported.module == SELF:
        return []
    module = resolve_module(imported.module, from_path, project)
    if module is None:
        return []
    names = [*imported.names, *([("default", imported.alias)] if imported.kind == "require" and imported.alias else [])]
    found = [Target(local, *_definer(module, name, project)) for name, local in names]
    alias = imported.alias if imported.kind != "require" else ""
    if alias or all(target.path != module for target in found):
        found.insert(0, Target(alias, module, ""))
    return found


def resolve_module(specifier: str, from_path: str, project: ProjectFiles) -> str | None:
    """The file that a specifier means; None outside of the project."""
    folder = folder_of(from_path)
    return project.derived(("javascript", folder, specifier), lambda: _resolved(specifier, folder, project))


def _resolved(specifier: str, folder: str, project: ProjectFiles) -> str | None:
    specifier = specifier.partition("?")[0]
    candidates = _relative(specifier, folder) if specifier.startswith(".") else _bare(specifier, folder, project)
    return next((found for stem in candidates if (found := find(stem, project))), None)


def _relative(specifier: str, folder: str) -> Iterator[str]:
    stem = join(folder, specifier)
    if stem is not None:
        yield stem + "/" if specifier.endswith(("/", "/.", "/..")) or specifier in (".", "..") else stem


def _bare(specifier: str, folder: str, project: ProjectFiles) -> Iterator[str]:
    """Where a specifier without dots may lead: `paths`, `imports`, a package of the project."""
    if specifier.startswith("#"):
        for package, target in internal(specifier, folder, project):
            if target.startswith("."):
                yield from filter(None, [join(package, target)])
            else:
                yield from _bare(target, package, project)
        return
    yield from stems(specifier, folder, project)
    package_of, rest = package_folder(specifier, project)
    if package_of is not None:
        for entry in entries(package_of, rest, project):
            yield entry
            yield from _sources_of(entry, package_of, project)


def _sources_of(built: str, package: str, project: ProjectFiles) -> Iterator[str]:
    """Where the source of a built file lies: by `rootDir` and `outDir`, or with the same name below src or the top."""
    stem = next((built.removesuffix(ending) for ending in _BUILT if built.endswith(ending)), built)
    for config in configurations(package, project):
        if config.built and stem.startswith(config.built[1] + "/"):
            yield below(config.built[0], stem[len(config.built[1]) + 1 :])
    parts = stem[len(package) :].strip("/").split("/")
    for n_dropped in range(1, len(parts)):
        tail = "/".join(parts[n_dropped:])
        yield below(package, f"src/{tail}")
        yield below(package, tail)


def find(stem: str, project: ProjectFiles) -> str | None:
    """The file at a path that may lack its extension, or be a folder with a package.json or an index."""
    if stem.endswith("/") or not stem:
        return _in_folder(stem.rstrip("/"), project)
    base, dot, ending = stem.rpartition(".")
    candidates = [base + extension for extension in SOURCES.get(dot + ending, ())]
    candidates += [*(stem + extension for extension in EXTENSIONS), stem]
    return project.first(candidates) or _in_folder(stem, project)


def _in_folder(folder: str, project: ProjectFiles) -> str | None:
    package = project.json(below(folder, "package.json")) if below(folder, "package.json") in project else {}
    for name in MAIN_FIELDS:
        main = package.get(name)
        path = join(folder, main) if isinstance(main, str) else None
        if path and path != folder and (found := find(path, project)):
            return found
    return project.first(below(folder, f"index{extension}") for extension in EXTENSIONS)


def _definer(path: str, name: str, project: ProjectFiles) -> tuple[str, str]:
    """A default export without a name of its own is the file itself."""
    found = definer(path, name, project, partial(_origin, project))
    return (found[0], "") if found[1] == "default" else found


def _origin(project: ProjectFiles, imported: Import, name: str, from_path: str) -> tuple[str, str] | None:
    module = resolve_module(imported.module, from_path, project) if imported.module != SELF else None
    return (module, name) if module else None
