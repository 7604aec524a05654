"""package.json: what the name of a package of this project, or a subpath of it, stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from midfill_context.imports.project import ProjectFiles, ancestors, below, folder_of, join

# All that a bundler or compiler may ask for; of an object the first key counts that leads to a file.
CONDITIONS = frozenset(
    {"types", "source", "import", "module", "require", "node", "browser", "development", "production", "default"}
)
MAIN_FIELDS = ("source", "types", "typings", "module", "main")
MAX_DEPTH = 8


def package_folder(specifier: str, project: ProjectFiles) -> tuple[str | None, str]:
    """The folder of the package that a bare specifier names, None outside of the project, and the subpath after it."""
    n_parts = 2 if specifier.startswith("@") else 1
    parts = specifier.split("/", n_parts)
    name, rest = "/".join(parts[:n_parts]), "/".join(parts[n_parts:])
    return project.derived("packages", lambda: _packages(project)).get(name), rest


def entries(folder: str, rest: str, project: ProjectFiles) -> Iterator[str]:
    """The files that a package offers under a subpath (empty for its main entry), as its package.json names them."""
    package = project.json(below(folder, "package.json"))
    exports = package.get("exports")
    if exports is not None:
        yield from _targets(exports, f"./{rest}" if rest else ".", folder)
    elif rest:
        yield below(folder, rest)
    else:
        for name in MAIN_FIELDS:
            main = package.get(name)
            path = join(folder, main) if isinstance(main, str) else None
            if path is not None:
                yield path
        yield below(folder, "index")


def internal(specifier: str, folder: str, project: ProjectFiles) -> Iterator[tuple[str, str]]:
    """What `#specifier` means by `imports` of the nearest package.json: that one's folder, and the specifier there."""
    for above in ancestors(folder):
        package = project.json(below(above, "package.json"))
        if package:
            for target in _matching(package.get("imports"), specifier):
                yield above, target
            return


def _packages(project: ProjectFiles) -> dict[str, str]:
    """Folders by package name; what lies in node_modules belongs to others."""
    found: dict[str, str] = {}
    for path in project.named("package.json"):
        name = project.json(path).get("name")
        if isinstance(name, str) and "node_modules" not in path.split("/"):
            found.setdefault(name, folder_of(path))
    return found


def _targets(exports: object, key: str, folder: str) -> Iterator[str]:
    is_map = isinstance(exports, Mapping) and any(str(name).startswith(".") for name in exports)
    found = _matching(exports, key) if is_map else _conditional(exports, "") if key == "." else ()
    for target in found:
        path = join(folder, target) if target.startswith("./") else None
        if path is not None:
            yield path


def _matching(table: object, key: str) -> Iterator[str]:
    """The targets of a key of `exports` or `imports`: exact, or by the longest pattern with a star."""
    if not isinstance(table, Mapping):
        return
    if key in table:
        yield from _conditional(table[key], "")
        return
    fitting: list[tuple[int, str, str]] = []
    for pattern in table:
        before, star, after = str(pattern).partition("*")
        if star and key.startswith(before) and key.endswith(after) and len(key) > len(before) + len(after):
            fitting.append((len(before), pattern, key[len(before) : len(key) - len(after)]))
    if fitting:
        _, pattern, matched = max(fitting)
        yield from _conditional(table[pattern], matched)


def _conditional(value: object, matched: str, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("*", matched)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        for item in value:
            yield from _conditional(item, matched, depth + 1)
    elif isinstance(value, Mapping) and depth < MAX_DEPTH:
        for condition, item in value.items():
            if condition in CONDITIONS or str(condition).startswith("types@"):
                yield from _conditional(item, matched, depth + 1)
