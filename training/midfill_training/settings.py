"""Settings of the stages: frozen dataclasses with their defaults in code, and TOML files that say otherwise.

A file has one table a stage (`[corpus]`, `[objectives]`, `[packing]`, `[training]`, ...). What it does not name keeps
its default; what no stage knows is refused by name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from midfill_training.errors import BadInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

T = TypeVar("T")


def read_settings(path: Path | None, table: str, kind: type[T]) -> T:
    """The settings of one stage: the table of a TOML file over the defaults of `kind`. Raises BadInput.

    Without a name of a table, the whole file is the settings.
    """
    if path is None:
        return kind()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as settings: {error}") from error
    return settings_from(tables.get(table, {}) if table else tables, kind, f"{path}: {table}" if table else str(path))


def settings_from(values: Any, kind: type[T], where: str) -> T:
    """`kind` with these values; BadInput for a name it does not have or a value of another type."""
    if not isinstance(values, Mapping):
        raise BadInput(f"{where} is {values!r}; it takes a table")
    hints = get_type_hints(kind)
    all_fields = fields(kind)  # type: ignore[arg-type]
    known = sorted(each.name for each in all_fields)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadInput(f"{where}.{unknown[0]} is no setting; there are {', '.join(known)}")
    needed = [each.name for each in all_fields if each.default is MISSING and each.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise BadInput(f"{where}.{missing[0]} is missing")
    return kind(**{name: _value(value, hints[name], f"{where}.{name}") for name, value in values.items()})


def _value(value: Any, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(value, Mapping):
        return settings_from(value, hint, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value(each, get_args(hint)[0], where) for each in value)
    if hint is float and type(value) is int:
        return float(value)
    if not isinstance(hint, type) and get_origin(hint) is not tuple:  # a union
        kinds = get_args(hint)
    else:
        kinds = (get_origin(hint) or hint,)
    if type(value) in kinds:
        return value
    raise BadInput(f"{where} is {value!r}; it takes {' or '.join(each.__name__ for each in kinds)}")
