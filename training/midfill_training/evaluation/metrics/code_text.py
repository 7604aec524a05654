"""Code as text with a little knowledge of its language: its identifiers, and whether it parses."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import resources

from midfill_context.syntax.grammars import parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

_STRING = re.compile(r'"([^"\\]*(\\.[^"\\]*)*)"|\'([^\'\\]*(\\.[^\'\\]*)*)\'')
_WORD = re.compile(r"\w+")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")

# Dialects that are written with the words of another language.
_SAME_WORDS = {"javascriptreact": "javascript", "typescriptreact": "typescript"}


@cache
def keywords(language: str) -> frozenset[str]:
    """The reserved words of a language (`keywords.toml`); none for a language that is not in the table."""
    text = (resources.files(__package__) / "keywords.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return frozenset(table.get(_SAME_WORDS.get(language, language), "").split())


def identifiers(language: str, code: str) -> list[str]:
    """The names in a piece of code, in order: words that begin like a name, in no string, and are no keywords."""
    words = _WORD.findall(_STRING.sub("", code))
    return [word for word in words if _IDENTIFIER.match(word) and word not in keywords(language)]


def has_error(language: str, code: str) -> bool:
    """Whether a file has a syntax error; something missing that the parser can make up for is none."""
    tree = parse(language, code.encode(errors="replace"))
    waiting = [tree.root_node] if tree else []
    while waiting:
        node = waiting.pop()
        if node.is_error:
            return True
        waiting += [child for child in node.children if child.has_error]
    return False
