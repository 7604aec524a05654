"""Ruby: `require` below the load paths, `require_relative`, and constants that are loaded by their names."""

from __future__ import annotations

import re

from midfill_context.imports.project import ProjectFiles, Target, below, folder_of, join, nearest
from midfill_context.syntax.imported import Import

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The file that is required; for `autoload` with its constant."""
    module = imported.module.removesuffix(".rb") + ".rb"
    if imported.kind == "relative" or module.startswith("."):
        path = join(folder_of(from_path), module)
        found = path if path and path in project else None
    else:
        found = nearest(_on_load_paths(module, project), from_path)
    names = imported.names or (("", ""),)
    return [Target(local, found, name) for name, local in names] if found else []


def implicit(from_path: str, project: ProjectFiles) -> list[Target]:
    """Constants that a file uses and that Rails' loader finds: `app/*/order_item.rb` or `lib/...` for `OrderItem`."""
    roots = project.derived("ruby autoload", lambda: _autoload_roots(project))
    found = []
    for word in project.words(from_path) if roots else ():
        if word[:1].isupper():
            name = _WORD_START.sub("_", word).lower() + ".rb"
            path = next((below(root, name) for root in roots if word in project.names(below(root, name))), None)
            if path and path != from_path:
                found.append(Target(word, path, word))
    return found


def _on_load_paths(module: str, project: ProjectFiles) -> list[str]:
    """`lib` of the project and of each gem in it, then what stands right at the top."""
    roots = project.derived("ruby load paths", lambda: _load_paths(project))
    return [path for root in roots if (path := below(root, module)) in project] or (
        [module] if module in project else []
    )


def _load_paths(project: ProjectFiles) -> list[str]:
    """The folders called lib, or spec and test, that lie beside a gemspec or Gemfile, or at the top."""
    gems = {folder_of(path) for path in project.paths if path.endswith((".gemspec", "Gemfile"))} | {""}
    return [below(gem, name) for gem in sorted(gems) for name in ("lib", "spec", "test")]


def _autoload_roots(project: ProjectFiles) -> list[str]:
    """The folders of Rails' loader, where the project is a Rails application or engine."""
    homes = [path.removesuffix("config/application.rb") for path in project.named("application.rb")]
    if not homes:
        return []
    roots = {
        "/".join(path.split("/")[: home.count("/") + depth])
        for home in homes
        for path in project.paths
        if path.startswith(f"{home}app/")
        for depth in (2, *((3,) if "/concerns/" in path else ()))
    }
    return sorted(roots) + [f"{home}lib" for home in homes]
