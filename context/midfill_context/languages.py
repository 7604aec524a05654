"""Which language a file or a `languageId` is, how that language writes comments, and which grammar parses it.

The table is `languages.toml`. It knows no model: the header lines that a model was trained on belong to the model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


@dataclass(frozen=True)
class Language:
    """A row of the table. `id` is what midfill calls the language whatever alias a client sends.

    `grammar` is where its tree-sitter grammar lies, as `module:function`; empty for a language without structure.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    exact_extensions: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    line_comment: str | None = None
    block_comment: tuple[str, str] | None = None
    grammar: str = ""


def languages() -> tuple[Language, ...]:
    """All languages, in the order of the table."""
    return tuple(_tables().by_row.values())


def language(language_id: str) -> Language | None:
    """The language of an LSP `languageId`, or of an alias that some client sends; case does not matter."""
    return _tables().by_id.get(language_id.lower())


def language_of(path: str) -> Language | None:
    """The language of a file by its name: the whole name first, then the longest extension.

    `a.C` is C++ and `a.c` is C; otherwise the case of an extension does not matter (`MAIN.PY`, `fit.R`).
    A file called `.py` has a name, not an extension.
    """
    tables = _tables()
    name = path.rpartition("/")[2]
    if name in tables.by_file_name:
        return tables.by_file_name[name]
    for pattern, found in tables.by_pattern.items():
        if fnmatchcase(name, pattern):
            return found
    for extension in _extensions(name):
        by_case = tables.by_exact_extension.get(extension) or tables.by_extension.get(extension.lower())
        if by_case is not None:
            return by_case
    return None


def _extensions(name: str) -> list[str]:
    """All ends of a file name that start with a dot, the longest first; a leading dot starts none."""
    dots = [i for i, character in enumerate(name) if character == "." and i > 0]
    return [name[i:] for i in dots]


@dataclass(frozen=True)
class _Tables:
    by_row: dict[str, Language] = field(default_factory=dict)
    by_id: dict[str, Language] = field(default_factory=dict)
    by_file_name: dict[str, Language] = field(default_factory=dict)
    by_pattern: dict[str, Language] = field(default_factory=dict)
    by_extension: dict[str, Language] = field(default_factory=dict)
    by_exact_extension: dict[str, Language] = field(default_factory=dict)


@cache
def _tables() -> _Tables:
    text = (resources.files(__package__) / "languages.toml").read_text(encoding="utf-8")
    tables = _Tables()
    for language_id, row in tomllib.loads(text).items():
        new = _language(language_id, row)
        _put(tables.by_row, [new.id], new)
        _put(tables.by_id, [new.id, *(alias.lower() for alias in new.aliases)], new)
        _put(tables.by_file_name, [name for name in new.file_names if "*" not in name], new)
        _put(tables.by_pattern, [name for name in new.file_names if "*" in name], new)
        _put(tables.by_extension, new.extensions, new)
        _put(tables.by_exact_extension, new.exact_extensions, new)
    return tables


def _language(language_id: str, row: dict[str, Any]) -> Language:
    """An unknown key is a TypeError that names it."""
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
    return Language(language_id, **fields)


def _put(table: dict[str, Language], keys: Iterable[str], new: Language) -> None:
    for key in keys:
        if key in table:
            raise ValueError(f"languages.toml: {key} is both {table[key].name} and {new.name}")
        table[key] = new
