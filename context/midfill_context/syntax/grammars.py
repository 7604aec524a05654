"""tree-sitter grammars by language: one wheel each, named in `languages.toml`, loaded on first need."""

from __future__ import annotations

import time
from functools import cache
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING

from midfill_context.languages import language

if TYPE_CHECKING:
    from tree_sitter import Language, Point, Tree

_CALLS_A_LOOK = 32
_SMALL = 32 * 1024  # bytes that cannot take long whatever they are


@cache
def grammar(language_id: str) -> Language | None:
    """The grammar of a language; None where there is none, or where its wheel is missing or does not fit."""
    row = language(language_id)
    if row is None or not row.grammar:
        return None
    from tree_sitter import Language

    module, _, function = row.grammar.partition(":")
    try:
        return Language(getattr(import_module(module), function)())
    except (ImportError, ValueError):  # ValueError: an ABI that this tree-sitter does not speak
        return None


def parse(language_id: str, source: bytes, old: Tree | None = None, max_seconds: float = 4.0) -> Tree | None:
    """The syntax tree of a source in UTF-8; `old` is the edited tree of its former version. None without a grammar.

    tree-sitter holds the GIL meanwhile: about 8 MB/s. Where a grammar's scanner looks far ahead for an end that never
    comes, time grows with the square of the length: None as well after `max_seconds` of this thread's CPU time.
    """
    found = grammar(language_id)
    if found is None:
        return None
    from tree_sitter import Parser

    parser = Parser(found)
    if len(source) <= _SMALL:
        return parser.parse(source, old) if old is not None else parser.parse(source)

    def read(offset: int, _: Point) -> bytes:
        return source[offset : offset + _SMALL]

    def is_late(_: int, __: bool) -> bool:
        # Asked every few microseconds, while the clock of a thread takes some to answer.
        return not next(calls) % _CALLS_A_LOOK and time.thread_time() > end

    calls = count()
    end = time.thread_time() + max_seconds
    try:
        if old is not None:
            return parser.parse(read, old, progress_callback=is_late)
        return parser.parse(read, progress_callback=is_late)
    except ValueError:  # "Parsing failed": stopped by the callback
        return None
