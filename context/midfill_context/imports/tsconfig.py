"""tsconfig.json and jsconfig.json: where `baseUrl` and `paths` lead a specifier, with `extends` and `references`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from midfill_context.imports.node_packages import package_folder
from midfill_context.imports.project import ProjectFiles, ancestors, below, folder_of, join
from midfill_context.imports.toml_files import section, strings

NAMES = ("tsconfig.json", "jsconfig.json")
MAX_EXTENDS = 16


@dataclass(frozen=True)
class TsConfig:
    """What one configuration says about modules; all folders are the project's. `built` is (rootDir, outDir)."""

    base_url: str | None = None
    paths: Mapping[str, Sequence[str]] | None = None
    paths_base: str = ""
    built: tuple[str, str] | None = None


def stems(specifier: str, folder: str, project: ProjectFiles) -> Iterator[str]:
    """Where the configuration of a file in `folder` leads a specifier, best place first."""
    for config in configurations(folder, project):
        for target in _mapped(specifier, config.paths or {}):
            found = join(config.paths_base if config.base_url is None else config.base_url, target)
            if found is not None:
                yield found
        if config.base_url is not None:
            found = join(config.base_url, specifier)
            if found is not None:
                yield found


def configurations(folder: str, project: ProjectFiles) -> Sequence[TsConfig]:
    """The nearest configuration above a folder, then those that it refers to."""
    return project.derived(("tsconfig", folder), lambda: list(_nearest(folder, project)))


def _nearest(folder: str, project: ProjectFiles) -> Iterator[TsConfig]:
    path = project.first(below(above, name) for above in ancestors(folder) for name in NAMES)
    if path is None:
        return
    yield _load(path, project, 0)
    references = project.json(path).get("references")
    for row in references if isinstance(references, list) else []:
        place = section(row, "path")
        target = _config_file(join(folder_of(path), place) if isinstance(place, str) else None, project)
        if target and target != path:
            yield _load(target, project, 0)


def _load(path: str, project: ProjectFiles, n_extended: int) -> TsConfig:
    """A configuration over those that it extends; of several the last one counts."""
    base_url: str | None = None
    paths: Mapping[str, Sequence[str]] | None = None
    paths_base, built = "", None
    config, folder = project.json(path), folder_of(path)
    for name in strings(config.get("extends")) if n_extended < MAX_EXTENDS else []:
        target = _extended(name, folder, project)
        if target:
            above = _load(target, project, n_extended + 1)
            base_url = above.base_url if above.base_url is not None else base_url
            paths, paths_base = (above.paths, above.paths_base) if above.paths is not None else (paths, paths_base)
            built = above.built or built
    options = config.get("compilerOptions")
    if isinstance(base := section(options, "baseUrl"), str):
        base_url = join(folder, base.replace("${configDir}", "."))
    if isinstance(own := section(options, "paths"), Mapping):
        paths = {pattern: strings(targets) for pattern, targets in own.items()}
        paths_base = folder
    if isinstance(out := section(options, "outDir"), str):
        root = section(options, "rootDir")
        root_dir, out_dir = join(folder, root if isinstance(root, str) else "."), join(folder, out)
        built = (root_dir, out_dir) if root_dir is not None and out_dir else built
    return TsConfig(base_url, paths, paths_base, built)


def _extended(name: str, folder: str, project: ProjectFiles) -> str | None:
    """The file behind `extends`: relative, or in a package of the project."""
    if name.startswith("."):
        return _config_file(join(folder, name), project)
    package, rest = package_folder(name, project)
    return _config_file(join(package, rest), project) if package is not None else None


def _config_file(path: str | None, project: ProjectFiles) -> str | None:
    if path is None:
        return None
    return project.first((path, f"{path}.json", below(path, "tsconfig.json")))


def _mapped(specifier: str, paths: Mapping[str, Sequence[str]]) -> list[str]:
    """The targets of the best pattern: an exact one, or else the one with the longest text before its star."""
    if specifier in paths:
        return list(paths[specifier])
    best, filled = -1, []
    for pattern, targets in paths.items():
        before, star, after = pattern.partition("*")
        fits = star and specifier.startswith(before) and specifier.endswith(after)
        if fits and len(before) > best and len(specifier) >= len(before) + len(after):
            best = len(before)
            matched = specifier[len(before) : len(specifier) - len(after)]
            filled = [target.replace("*", matched, 1) for target in targets]
    return filled
