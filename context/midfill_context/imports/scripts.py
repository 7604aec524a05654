"""Lua and Bash: files by the name that a script gives, from its own folder or from the top of the project."""

from __future__ import annotations

import re

from midfill_context.imports.project import ProjectFiles, Target, ancestors, below, folder_of, join
from midfill_context.syntax.imported import Import

_LUA_ROOTS = ("", "src", "lua", "lib")
# `"$(dirname "$0")"/x`, `$DIR/x`, `${BASH_SOURCE%/*}/x`: the script's own folder, whatever the variable is called.
_OWN_FOLDER = re.compile(r'^["\']*(?:\$\(.*\)|\$\{[^}]*\}|\$\w+)["\']*/')


def lua_targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """`require "a.b"` is a/b.lua or a/b/init.lua below a root; `dofile` names a file."""
    stem = imported.module.removesuffix(".lua").replace(".", "/")
    roots = [*ancestors(folder_of(from_path)), *_LUA_ROOTS]
    places = (below(root, stem + ending) for root in roots for ending in (".lua", "/init.lua"))
    path = project.first(places)
    return [Target(imported.alias, path, "")] if path else []


def bash_targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """`source x`: what is left of the path when the script's own folder is taken off has no variable in it."""
    name = _OWN_FOLDER.sub("", imported.module).strip("\"'")
    if "$" in name or "`" in name or name.startswith(("/", "~")):
        return []
    path = project.first(place for folder in (folder_of(from_path), "") if (place := join(folder, name)) is not None)
    return [Target("", path, "")] if path else []
