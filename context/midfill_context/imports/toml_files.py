"""Configuration files in TOML: pyproject.toml and Cargo.toml."""

from __future__ import annotations

import sys
from collections.abc import Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def parse_toml(text: str) -> Mapping[str, object]:
    """The tables of a text; empty where it is no TOML."""
    try:
        tables: dict[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}
    return tables


def section(tables: object, *keys: str) -> object:
    """The value at a path of keys; None where it is missing, or something on the way is no table."""
    for key in keys:
        if not isinstance(tables, Mapping):
            return None
        tables = tables.get(key)
    return tables


def strings(value: object) -> list[str]:
    """The strings of a list, or one string alone."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
