"""Nested imports of Rust and PHP, `a::{b, c::{d as e, f::*}}`, taken apart into one module after the other."""

from __future__ import annotations

import re
from typing import NamedTuple

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"[{},]|[^{},]+")
_KEYWORD = re.compile(r"^(use\s+)?((function|const)\s+)?")


class ImportedName(NamedTuple):
    """A name taken out of a module, and what the importing file calls it."""

    name: str
    local: str


class Leaf(NamedTuple):
    """A module, the names taken out of it, and whether everything is taken."""

    module: str
    names: list[ImportedName]
    is_wildcard: bool


def leaves(text: str, separator: str) -> list[Leaf]:
    """Each module of a nested import. `self` in a list is the module itself: a name out of the module above it."""
    modules: dict[str, Leaf] = {}
    prefixes = [""]
    pending = ""
    for token in [*_TOKEN.findall(_COMMENT.sub(" ", text).strip().rstrip(";")), ","]:
        if token == "{":
            prefixes.append(_joined(prefixes[-1], pending, separator))
            pending = ""
        elif token in (",", "}"):
            if pending:
                _add(modules, prefixes[-1], pending, separator)
            pending = ""
            if token == "}" and len(prefixes) > 1:
                prefixes.pop()
        else:
            pending = _KEYWORD.sub("", token.strip())
    return list(modules.values())


def _joined(prefix: str, path: str, separator: str) -> str:
    path = path.strip().removeprefix(separator).removesuffix(separator)
    return f"{prefix}{separator}{path}" if prefix and path else prefix or path


def _add(modules: dict[str, Leaf], prefix: str, item: str, separator: str) -> None:
    path, _, local = (part.strip() for part in item.partition(" as "))
    full = _joined(prefix, path, separator).removesuffix(f"{separator}self")
    module, _, name = full.rpartition(separator)
    leaf = modules.setdefault(module, Leaf(module, [], False))
    if name == "*":
        modules[module] = leaf._replace(is_wildcard=True)
    else:
        leaf.names.append(ImportedName(name, local or name))
