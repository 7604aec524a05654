"""Large blocks of commented-out code go, by a proportion; prose stays (PAPER.md section 1, row 5).

Whether a comment is code is asked of the language's grammar, after a look at its lines that spares most comments the
parse. Docstrings are no comments; doc comments, licence headers and examples stay whatever they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from textwrap import dedent
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import parse
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.tables import table
from midfill_training.corpus.filters.trees import comments, errors, grammar_language
from midfill_training.corpus.verdict import Verdict

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class CommentSettings:
    """Which blocks go."""

    # Below five lines a block is as often an alternative that the comment beside it explains as dead code.
    min_lines: int = 5
    # The paper gives no proportion. Most go, since nobody wants dead code completed; one in five stays, since files
    # that are being edited have such blocks, and the model should not lose its way in them.
    share: float = 0.8
    seed: int = 0


@dataclass(frozen=True)
class CommentFilter:
    """Changes files, drops none; files without a grammar pass as they are, and none has more errors than before."""

    settings: CommentSettings = CommentSettings()

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        return map(self._judge, files)

    def _judge(self, file: SourceFile) -> Verdict:
        language = grammar_language(file)
        blocks = commented_code(file.text, language, self.settings.min_lines)
        if not blocks:
            return Verdict(file)
        findings = {"blocks": len(blocks)}
        random = Random(f"{self.settings.seed} {file.text}")
        chosen = [block for block in blocks if random.random() < self.settings.share]
        text = _without_lines(file.text, chosen)
        if not chosen or _n_errors(text, language) > _n_errors(file.text, language):
            return Verdict(file, findings=findings)
        removed = sum(last - first + 1 for first, last in chosen)
        findings |= {"removed blocks": len(chosen), "removed lines": removed}
        return Verdict(replace(file, text=text), f"{removed} lines of commented-out code removed", findings)


# A block of commented-out code: its first and its last line, counted from 0.
Block = tuple[int, int]


def commented_code(text: str, language_id: str, min_lines: int) -> list[Block]:
    """The blocks of at least `min_lines` lines; none where no grammar says what parses."""
    source = text.encode()
    tree = parse(language_id, source) if _may_have_block(text, min_lines) else None
    if tree is None:
        return []
    lines = source.split(b"\n")
    own_lines = (node for node in comments(tree, language_id) if _has_own_lines(node, lines))
    return [
        (first, last)
        for first, last in _joined(own_lines, lines)
        if last - first + 1 >= min_lines
        and _is_code(b"\n".join(lines[first : last + 1]).decode(), language_id, min_lines)
    ]


_BLOCKS = re.compile(r"^([ \t]*)(?:#|//|--(?!\[)).*(?:\n\1(?:#|//|--).*)*|/\*(?s:.*?)\*/|--\[=*\[(?s:.*?)\]=*\]", re.M)


def _may_have_block(text: str, min_lines: int) -> bool:
    """By the lines alone, so that most files need not be parsed."""
    return any(
        block[0].count("\n") + 1 >= min_lines and _code_text(block[0], min_lines) for block in _BLOCKS.finditer(text)
    )


def _has_own_lines(node: Node, lines: Sequence[bytes]) -> bool:
    (first, column), (last, end) = node.start_point, _end(node, lines)
    return not lines[first][:column].strip() and not lines[last][end:].strip()


def _end(node: Node, lines: Sequence[bytes]) -> tuple[int, int]:
    """Some grammars count the newline to a line comment."""
    row, column = node.end_point
    return (row - 1, len(lines[row - 1])) if column == 0 and row > node.start_point[0] else (row, column)


def _joined(nodes: Iterator[Node], lines: Sequence[bytes]) -> list[Block]:
    """Comments of one line each that follow each other in one column are one block."""
    blocks: list[Block] = []
    column = -1
    for node in nodes:
        first, last = node.start_point[0], _end(node, lines)[0]
        joins = blocks and first == last == blocks[-1][1] + 1 and node.start_point[1] == column
        column = node.start_point[1] if first == last else -1
        if joins:
            blocks[-1] = (blocks[-1][0], last)
        else:
            blocks.append((first, last))
    return blocks


# --- is it code? ---

_DOC_COMMENT = re.compile(r"\s*(?:/\*[*!](?!/)|//[/!]|---|#'|=begin)")
_KEPT = re.compile(r"copyright|licen[cs]e|spdx|^\W*(?:examples?|usage|e\.g\.|i\.e\.|note|todo|see)\b|>>>", re.I | re.M)
_MARKERS = re.compile(r"^[ \t]*(?:#+|//+|--\[=*\[|--+|/\*+)|\*+/[ \t]*$|\]=*\][ \t]*$", re.M)
_STARS = re.compile(r"^[ \t]*\*(?!/)", re.M)
_CODE_LINE = re.compile(
    r"[;{}]$|^[{})\]]|[^=!<>]=[^=]|\w\(|\)$|->|=>|::|^@\w|:$|\w\[|^<|\|\||&&|"
    r"^(?:return|import|from|include|using|package|if|else|elif|end|fi|done|do|then|for|while|try|break|continue|pass|"
    r"raise|throw|local|let|const|var|def|func|fn|class|public|private|echo|export|assert|yield|await|del)\b"
)
_PROSE_LINE = re.compile(r"(?:^|[ (])(?:[A-Za-z][a-z']*,? ){4,}[a-z']+|^\w+ \([\w ]+\)$")
_MIN_CODE_LINES = 0.6
_MAX_PROSE_LINES = 0.15
_MAX_ERROR_LINES = 0.1  # a block often loses the line above it or below it


def _is_code(comment: str, language_id: str, min_lines: int) -> bool:
    text = _code_text(comment, min_lines)
    return bool(text) and any(
        _error_lines(text, wrapper, language_id) <= _MAX_ERROR_LINES for wrapper in _wrappers(language_id)
    )


def _code_text(comment: str, min_lines: int) -> str:
    """What is commented out, if its lines look like code; else empty."""
    if _DOC_COMMENT.match(comment):
        return ""
    text = _uncommented(comment)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    is_code = len(lines) >= min_lines and not _KEPT.search(text) and _looks_like_code(lines)
    return text if is_code else ""


def _uncommented(comment: str) -> str:
    text = _MARKERS.sub("", comment)
    body = [line for line in text.split("\n")[1:] if line.strip()]
    if body and all(_STARS.match(line) for line in body):
        text = _STARS.sub("", text)
    return dedent(text).strip("\n")


def _looks_like_code(lines: Sequence[str]) -> bool:
    n_code = sum(_CODE_LINE.search(line) is not None for line in lines)
    n_prose = sum(_PROSE_LINE.search(line) is not None for line in lines)
    return n_code >= _MIN_CODE_LINES * len(lines) and n_prose <= _MAX_PROSE_LINES * len(lines)


def _n_errors(text: str, language_id: str) -> int:
    tree = parse(language_id, text.encode())
    return sum(1 for _ in errors(tree)) if tree else 0


def _error_lines(text: str, wrapper: str, language_id: str) -> float:
    """The share of the lines that do not parse as part of `wrapper`."""
    before, _, after = wrapper.partition("{}")
    tree = parse(language_id, f"{before}{text}{after}".encode())
    assert tree is not None
    rows = {row for node in errors(tree) for row in range(node.start_point[0], node.end_point[0] + 1)}
    return len(rows) / (text.count("\n") + 1)


def _wrappers(language_id: str) -> tuple[str, ...]:
    """What may stand around a piece of code so that it parses: `{}` in it is the piece."""
    return ("{}", *table("comments")["wrappers"].get(language_id, ()))


def _without_lines(text: str, blocks: Sequence[Block]) -> str:
    """The text without the lines of the blocks; of blank lines on both sides of a block those behind it go too."""
    lines = text.split("\n")
    for first, last in reversed(blocks):
        end = last + 1
        while first > 0 and not lines[first - 1].strip() and end < len(lines) - 1 and not lines[end].strip():
            end += 1
        del lines[first:end]
    return "\n".join(lines)
