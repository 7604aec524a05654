"""A text in place of a hole with which its file reads well, so that the syntax tree tells where the hole is."""

from __future__ import annotations

from collections.abc import Iterable

from midfill_model.ending.brackets import closers_of
from midfill_model.ending.hole import Hole
from midfill_model.ending.judging import count_errors_of

# Languages in which a block ends where its indentation does.
BY_INDENTATION = frozenset({"python"})
NAME = "x"
_MAX_CLOSERS = 4
_MAX_BYTES = 1 << 16
# Words that close what stands open, where a language has no brackets for it.
_CLOSING_WORDS = {"ruby": ("\nend",), "lua": ("\nend",), "bash": ("\nfi", "\ndone", "\nesac")}


def plain_placeholder(hole: Hole) -> str:
    """The best of a name, a statement and nothing at all."""
    return _best(hole, _plain(hole))


def closing_placeholder(hole: Hole) -> str:
    """The best of these and of others that close what is open before the hole: a dozen parses, so not in big files."""
    is_small = len(hole.prefix) + len(hole.suffix) <= _MAX_BYTES
    return _best(hole, [*_plain(hole), *(_closing(hole) if is_small else ())])


def _best(hole: Hole, words: Iterable[str]) -> str:
    """The first of the texts that leave the fewest errors."""
    best, least = "", 1 << 30
    for text in words:
        n_errors = count_errors_of(hole.language, hole.fill(text))
        if n_errors < least:
            best, least = text, n_errors
        if not n_errors:
            break
    return best


def _plain(hole: Hole) -> list[str]:
    return [NAME, ""] if _has_rest(hole) else [*_indented(hole), f"{NAME};", NAME, ""]


def _closing(hole: Hole) -> list[str]:
    has_rest = _has_rest(hole)
    closers = closers_of(hole.prefix)[:_MAX_CLOSERS]
    words = []
    for n_closed in range(1, len(closers) + 1):
        closed = "".join(closers[:n_closed])
        if closed.endswith("}"):
            words += [f"{NAME};{closed}", closed]
        else:
            words += [NAME + closed] if has_rest else [f"{NAME}{closed};", NAME + closed]
    words += [] if has_rest else ["{"]
    return words + [NAME + word for word in _CLOSING_WORDS.get(hole.language, ())]


def _indented(hole: Hole) -> list[str]:
    """A statement indented like the line above, for a cursor on an empty line in a language where that matters."""
    above = hole.prefix.rstrip().rpartition(b"\n")[2]
    head = hole.prefix.rpartition(b"\n")[2]
    missing = above[: len(above) - len(above.lstrip())].removeprefix(head)
    if hole.language not in BY_INDENTATION or head.strip() or not missing:
        return []
    return [f"{missing.decode(errors='replace')}{NAME};"]


def _has_rest(hole: Hole) -> bool:
    return bool(hole.suffix.partition(b"\n")[0].strip())
