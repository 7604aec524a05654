"""Files that nobody wrote go: generated ones, minified ones, data in the clothes of code (PAPER.md section 1, row 3).

The marks of generators are data, in `generated.toml`; the rest is shares of characters and lines.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from midfill_context.syntax.grammars import parse
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.tables import table
from midfill_training.corpus.filters.trees import comments, grammar_language
from midfill_training.corpus.verdict import Verdict


@dataclass(frozen=True)
class GeneratedSettings:
    """Beyond these a file is none that a person wrote."""

    # A generator's mark stands before the code, but perhaps behind a licence.
    head_lines: int = 60
    # The Stack's bound on the mean; its bound of 1000 on the longest line would lose good files for one long string, so
    # here the share of the text in such lines counts.
    max_mean_line: int = 100
    long_line: int = 1000
    max_in_long_lines: float = 0.5
    # Of 8,110 Python files four have less: two of protobuf's, twice one table. Minified JavaScript has 1 to 3%.
    min_whitespace: float = 0.05
    # The bound of StarCoder's data, here of what is no white space, so that deep indentation does not count as data.
    # Eight of these 8,110 have less: seven tables of numbers, and a test full of digits.
    min_alphabetic: float = 0.25
    # A table of literals is data, whatever a few lines around it do.
    max_literals: float = 0.8
    max_encoded: float = 0.4
    # Shares say nothing of a short file.
    min_characters: int = 1000


@dataclass(frozen=True)
class GeneratedFilter:
    """Drops files; changes none."""

    settings: GeneratedSettings = GeneratedSettings()

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        return map(self._judge, files)

    def _judge(self, file: SourceFile) -> Verdict:
        rule, reason = _by_name(file) or self._by_shape(file.text) or self._by_marker(file) or ("", "")
        return Verdict(None, reason, {rule: 1}) if rule else Verdict(file)

    def _by_marker(self, file: SourceFile) -> tuple[str, str] | None:
        head = "\n".join(file.text.split("\n", self.settings.head_lines)[: self.settings.head_lines])
        if not _any_marker().search(head):
            return None
        for line in _comment_lines(file, head):
            for rule, pattern in _markers().items():
                if pattern.match(line):
                    return rule, f"its comment says {line[:80]!r}"
        return None

    def _by_shape(self, text: str) -> tuple[str, str] | None:
        limits = self.settings
        if len(text) < limits.min_characters:
            return None
        lines = text.split("\n")
        source = text.encode()
        mean = len(text) / sum(1 for line in lines if line)
        in_long = sum(len(line) for line in lines if len(line) > limits.long_line) / len(text)
        visible = source.translate(None, _SPACES)
        whitespace = 1 - len(visible) / len(source)
        alphabetic = 1 - len(visible.translate(None, _LETTERS)) / max(1, len(visible))
        literal = _literal_lines(text) / len(lines)
        encoded = sum(len(run) for run in _ENCODED.findall(text)) / len(text)
        checks = (
            ("data", encoded > limits.max_encoded, f"{encoded:.0%} is base64 or escaped bytes"),
            ("minified", mean > limits.max_mean_line, f"lines of {mean:.0f} characters in the mean"),
            ("minified", in_long > limits.max_in_long_lines, f"{in_long:.0%} of it in very long lines"),
            ("minified", whitespace < limits.min_whitespace, f"{whitespace:.0%} white space"),
            ("data", alphabetic < limits.min_alphabetic, f"{alphabetic:.0%} letters"),
            ("data", literal > limits.max_literals, f"{literal:.0%} of the lines are literals alone"),
        )
        return next(((rule, reason) for rule, is_so, reason in checks if is_so), None)


_SPACES = string.whitespace.encode()
_LETTERS = string.ascii_letters.encode() + bytes(range(128, 256))  # letters of all alphabets, and what comes with them
_LITERAL = re.compile(
    r""""[^"\n]*"|'[^'\n]*'|(?<![\w.])\d[\w.]*|\\x[\da-fA-F]{2}|\b(?:None|null|true|false|True|False)\b"""
)
_MAY_BE_LITERAL_LINE = re.compile(r"^[ \t]*[\"'\d(\[{\\+-]", re.M)
_LITERAL_LINE = re.compile(r"^[\s,:;()\[\]{}+-]*\0[\s\0,:;()\[\]{}+*|\\-]*(?:(?:#|//|/\*).*)?$", re.M)
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{60,}|(?:\\x[\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\[0-7]{3}){8,}")


def _literal_lines(text: str) -> int:
    """How many lines are literals and what stands between them."""
    if len(_MAY_BE_LITERAL_LINE.findall(text)) < text.count("\n") / 4:
        return 0  # which most files are told by, at a tenth of the cost
    return sum(1 for line in _LITERAL.sub("\0", text).split("\n") if _LITERAL_LINE.match(line))


def _by_name(file: SourceFile) -> tuple[str, str] | None:
    name = file.path.rpartition("/")[2]
    for rule, patterns in table("generated")["names"].items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return rule, f"files named {name} are generated"
    return None


# --- marks in comments ---

_LINE_MARKERS = re.compile(r"^[\s#/*;!<%({\"'-]+|[\s*/#-]+$")


def _comment_lines(file: SourceFile, head: str) -> Iterator[str]:
    """The lines of comments that start in the head, and of the docstring before all code, without their markers."""
    for comment in _comments(file, head):
        for line in comment.split("\n"):
            yield _LINE_MARKERS.sub("", line)


def _comments(file: SourceFile, head: str) -> Iterator[str]:
    """By the tree; without a grammar, lines that start as comments do."""
    source = file.text.encode()
    language = grammar_language(file)
    tree = parse(language, source)
    if tree is None:
        yield from re.findall(r"^[ \t]*(?:#|//|/?\*|--|;|<!--|%|\").*", head, re.M)
        return
    end = len(head.encode())
    for node in comments(tree, language):
        if node.start_byte < end:
            yield source[node.start_byte : node.end_byte].decode()
    first = next((node for node in tree.root_node.children if node.type != "comment"), None)
    if file.language == "python" and first and first.child_count == 1 and first.children[0].type == "string":
        yield source[first.start_byte : first.end_byte].decode()


@cache
def _markers() -> dict[str, re.Pattern[str]]:
    return {rule: re.compile("|".join(patterns), re.I) for rule, patterns in table("generated")["markers"].items()}


@cache
def _any_marker() -> re.Pattern[str]:
    """Words without which none of the markers is there."""
    return re.compile(r"generated|edit|modify|\.proto|bison|flex|antlr|swig|openapi|nswag|compiled|created|built", re.I)
