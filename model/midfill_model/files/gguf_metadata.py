"""Writes metadata to a GGUF, in the type that llama.cpp reads each kind of value as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gguf import GGUFWriter


def add_value(writer: GGUFWriter, key: str, value: str | bool | int | float | Sequence[object]) -> None:
    """One key with its value; whole numbers are unsigned, floats single, a sequence of one kind an array."""
    match value:
        case bool():  # before int: a bool is one
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_array(key, value)
