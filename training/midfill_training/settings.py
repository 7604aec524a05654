"""Settings of the stages: frozen dataclasses with their defaults in code, and TOML files that say otherwise.

A file has one table a stage (`[corpus]`, `[objectives]`, `[packing]`, `[training]`, ...). What it does not name keeps
its default; what no stage knows is refused by name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from midfill_training.errors import BadInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

T = TypeVar("T")


def read_settings(path: Path | None, table: str, kind: type[T]) -> T:
    """The settings of one stage: the table of a TOML file over the defaults of `kind`. Raises BadInput."""
    if path is None:
        return kind()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as settings: {error}") from error
    return settings_from(tables.get(table, {}), kind, f"{path}: {table}")


def settings_from(values: Mapping[str, Any], kind: type[T], where: str) -> T:
    """`kind` with these values; BadInput for a name it does not have or a value of another type."""
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise BadInput(f"{where}.{unknown[0]} is no setting; there are {', '.join(sorted(known))}")
    return kind(**{name: _value(value, hints[name], f"{where}.{name}") for name, value in values.items()})


def _value(value: Any, hint: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(value, Mapping):
        return settings_from(value, hint, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_value(each, get_args(hint)[0], where) for each in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = get_origin(hint) or hint
    kinds = tuple(each for each in get_args(hint) if isinstance(each, type)) if not isinstance(wanted, type) else ()
    if isinstance(value, kinds or (wanted if isinstance(wanted, type) else object)) and (
        not isinstance(value, bool) or bool in (kinds or (wanted,))
    ):
        return value
    raise BadInput(f"{where} is {value!r}; it takes {getattr(hint, '__name__', hint)}")
