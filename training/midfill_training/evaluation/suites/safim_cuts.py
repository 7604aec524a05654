"""SAFIM's syntax-aware cutting: what of an answer is the block, the expression or the call that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from midfill_context.cursor import Cursor
from midfill_context.syntax.grammars import parse
from midfill_training.evaluation.metrics.code_text import has_error

# Entering and leaving `pass` and its keyword: what stands in an empty Python block for the missing one.
N_PASS_EVENTS = 4


def cut(kind: str, cursor: Cursor, answer: str) -> str:
    """The answer cut by the rule of its kind of hole: `block`, `control` or `api`."""
    if kind == "block":
        return _block(cursor, answer)
    return _call(answer) if kind == "api" else _control(cursor.language, answer)


def _block(cursor: Cursor, answer: str) -> str:
    """The most lines with which the file parses, and is the same tree around them as with an empty block."""
    is_python = cursor.language == "python"
    around = list(_events(cursor, "pass" if is_python else ""))
    n_kept = len(around) - (N_PASS_EVENTS if is_python else 0)
    lines = answer.splitlines(keepends=True)
    while lines:
        text = "".join(lines)
        if not has_error(cursor.language, cursor.prefix + text + cursor.suffix):
            events = list(_events(cursor, text))
            n_same = _n_same(around, events) + _n_same(around[::-1], events[::-1])
            if len(events) >= len(around) and n_same == n_kept:
                break
        lines.pop()
    return "".join(lines)


def _control(language: str, answer: str) -> str:
    """Python: the first line with text. Others: up to the bracket that closes what the file opened."""
    if language == "python":
        return next((line for line in answer.splitlines() if line.strip()), "")
    depth = 0
    for at, character in enumerate(answer):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return answer[:at]
    return answer


def _call(answer: str) -> str:
    """Through the bracket that closes the first call."""
    depth = 0
    for at, character in enumerate(answer):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth <= 0:
            return answer[: at + 1]
    return answer


def _events(cursor: Cursor, text: str) -> Iterator[tuple[str, bool]]:
    """The kinds of the file's nodes as they are entered and left."""
    tree = parse(cursor.language, (cursor.prefix + text + cursor.suffix).encode(errors="replace"))
    if tree is None:
        return
    walk = tree.walk()
    while walk.node is not None:
        yield walk.node.type, True
        if walk.goto_first_child():
            continue
        yield walk.node.type, False
        while not walk.goto_next_sibling():
            if not walk.goto_parent():
                return
            yield walk.node.type, False


def _n_same(one: list[tuple[str, bool]], other: list[tuple[str, bool]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
