"""What the expression before a dot is: through what names mean, or by the text beside where a local name is bound."""

from __future__ import annotations

import re
from collections.abc import Iterator

from midfill_context.cursor import Cursor
from midfill_context.retrieval.names import Meaning, Names
from midfill_context.retrieval.surroundings import Chain
from midfill_context.syntax.definitions import CLASSES

_SELF = frozenset({"self", "this", "cls", "super"})
_MAX_PLACES = 60  # looked at above the cursor, and below
_MAX_NAMES = 6  # looked at, one for the other
_MAX_WIDTH = 120  # characters of a line before the name
_VALUE = re.compile(r"\s*(?:\??:|:?=)\s*(?:=\s*)?(?:(?:await|new|mut|&mut)\s+)*([^,;(){}\n]{1,120})")
_TYPE_AFTER = re.compile(r"\s+[*&]?([^\W\d][\w.]*)\s*[,)={]")  # Go: `name *pkg.Type`
_TYPE_BEFORE = re.compile(r"([^\W\d][\w.:<>\[\]?]*)[\s*&]+$")  # Java, C: `Type name`
_AS = re.compile(r"([^\W\d][\w.]*)(?:\([^()]*\))?\s+as\s+$")  # Python: `with open_it() as name`
_CHAIN = re.compile(r"[^\W\d]\w*(?:(?:\.|::)[^\W\d]\w*)*")
_SPLIT = re.compile(r"\.|::")
_NO_TYPES = frozenset({"return", "await", "new", "import", "from", "in", "not", "and", "or", "if", "else", "for", "as"})


def expression_types(chain: Chain, cursor: Cursor, line: int, names: Names) -> list[Meaning]:
    """The modules and classes that an expression before the cursor may be; `line` is that of the cursor."""
    found = _through_self(chain, cursor.path, line, names) or names.of(chain, cursor.path)
    for n_first in range(len(chain), 0, -1):
        if found or chain[n_first - 1] in _SELF:
            break
        types = local_types(chain[n_first - 1], cursor.prefix, cursor.suffix, cursor.path, names)
        found = names.follow(types, chain[n_first:])
    return list(dict.fromkeys(known for meaning in found for known in names.types(meaning)))


def _through_self(chain: Chain, path: str, line: int, names: Names) -> list[Meaning]:
    """What `self` and its members are; a field whose type its class does not tell is none of them."""
    around = names.enclosing(path, line, CLASSES) if chain and chain[0] in _SELF else None
    return [known for known in names.follow([around], chain[1:]) if names.types(known)] if around else []


def local_types(name: str, before: str, after: str, path: str, names: Names) -> list[Meaning]:
    """The classes that a local name may be of; the place nearest above the cursor that tells one counts.

    Where it gets the value of another local name, that one is looked at in turn.
    """
    todo, seen = [name], {name}
    while todo:
        for value in _bindings(todo.pop(0), before, after):
            for written in _CHAIN.findall(value):
                found = names.of(_SPLIT.split(written), path)
                types = [known for meaning in found for known in names.types(meaning) if known.definition]
                if types:
                    return types
                if not found and written not in seen and len(seen) < _MAX_NAMES:
                    seen.add(written)
                    todo.append(written)
    return []


def _bindings(name: str, before: str, after: str) -> Iterator[str]:
    """What stands beside the name where it is bound."""
    for line, at in _places(name, before, after):
        head, tail = line[max(0, at - _MAX_WIDTH) : at], line[at + len(name) :]
        for found in (_VALUE.match(tail), _TYPE_AFTER.match(tail), _AS.search(head), _TYPE_BEFORE.search(head)):
            if found and found[1] not in _NO_TYPES:
                yield found[1]


def _places(name: str, before: str, after: str) -> Iterator[tuple[str, int]]:
    """Lines with the name as a whole word, and where in them: upwards from the cursor, then downwards."""
    at = len(before)
    for _ in range(_MAX_PLACES):
        at = before.rfind(name, 0, at)
        if at < 0:
            break
        if _is_word(before, at, len(name)):
            yield _line_at(before, at)
    at = -1
    for _ in range(_MAX_PLACES):
        at = after.find(name, at + 1)
        if at < 0:
            break
        if _is_word(after, at, len(name)):
            yield _line_at(after, at)


def _is_word(text: str, at: int, length: int) -> bool:
    around = text[max(0, at - 1) : at] + text[at + length : at + length + 1]
    return not any(character.isalnum() or character == "_" for character in around)


def _line_at(text: str, at: int) -> tuple[str, int]:
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return text[start : end if end >= 0 else len(text)], at - start
