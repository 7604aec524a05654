"""One door to all languages: what an import means, by the rules of the language of the file it stands in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from midfill_context.imports import c_family, csharp, go, javascript, jvm, php, python, ruby, rust, scripts
from midfill_context.imports.project import ProjectFiles, Target
from midfill_context.languages import language_of
from midfill_context.syntax.imported import Import

EXPLICIT: Mapping[str, Callable[[Import, str, ProjectFiles], Sequence[Target]]] = {
    "python": python.targets,
    **dict.fromkeys(("javascript", "javascriptreact", "typescript", "typescriptreact"), javascript.targets),
    **dict.fromkeys(("java", "kotlin"), jvm.targets),
    **dict.fromkeys(("c", "cpp"), c_family.targets),
    "csharp": csharp.targets,
    "go": go.targets,
    "rust": rust.targets,
    "ruby": ruby.targets,
    "php": php.targets,
    "lua": scripts.lua_targets,
    "bash": scripts.bash_targets,
}
IMPLICIT: Mapping[str, Callable[[str, ProjectFiles], Sequence[Target]]] = {
    **dict.fromkeys(("java", "kotlin"), jvm.implicit),
    "csharp": csharp.implicit,
    "go": go.implicit,
    "ruby": ruby.implicit,
    "php": php.implicit,
}


def targets(imported: Import, from_path: str, project: ProjectFiles) -> tuple[Target, ...]:
    """What an import leads to in the project, name by name; empty for what lies outside, or cannot be told."""
    language = language_of(from_path)
    explicit = EXPLICIT.get(language.id) if language else None
    return tuple(dict.fromkeys(explicit(imported, from_path, project))) if explicit else ()


def implicit_targets(from_path: str, project: ProjectFiles) -> tuple[Target, ...]:
    """What a file uses without importing it: the same package or namespace, and what is loaded by its name."""
    language = language_of(from_path)
    implicit = IMPLICIT.get(language.id) if language else None
    return tuple(dict.fromkeys(implicit(from_path, project))) if implicit else ()


def resolve(imported: Import, from_path: str, project: ProjectFiles) -> tuple[str, ...]:
    """The files of the project that an import means: the module, and those that define what is taken out of it."""
    return tuple(dict.fromkeys(target.path for target in targets(imported, from_path, project)))
