"""Tabs or blanks: what a file indents with, and a completion in those."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LEADING = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_MAX_LINES = 2000
_MAX_STRAY = 0.05  # of the lines, in a file that means to indent with one of the two
_DEFAULT_WIDTH = 4


@dataclass(frozen=True)
class Indentation:
    """What one level is written with: a tab, or so many blanks. Empty where the file shows none, or mixes both."""

    unit: str

    @classmethod
    def of(cls, text: str) -> Indentation:
        """As most of the first lines of a text that are indented have it."""
        leading = _LEADING.findall("\n".join(text.split("\n", _MAX_LINES)[:_MAX_LINES]))
        n_tabs = sum("\t" in blanks for blanks in leading)
        if not leading or _MAX_STRAY < n_tabs / len(leading) < 1 - _MAX_STRAY:
            return cls("")
        if 2 * n_tabs > len(leading):
            return cls("\t")
        widths = [len(blanks) for blanks in leading if "\t" not in blanks and len(blanks) > 1]
        return cls(" " * (min(widths) if widths else _DEFAULT_WIDTH))

    def applied(self, text: str) -> str:
        """`text` with its lines behind the first one indented in this way."""
        first, newline, others = text.partition("\n")
        if not self.unit or not newline:
            return text
        if self.unit == "\t":
            own = Indentation.of(others).unit
            if not own.strip("\t"):
                return text
            return first + newline + _LEADING.sub(lambda blanks: _with_tabs(blanks[0], len(own)), others)
        return first + newline + _LEADING.sub(lambda blanks: blanks[0].replace("\t", self.unit), others)


def _with_tabs(blanks: str, width: int) -> str:
    n_columns = len(blanks.expandtabs(width))
    return "\t" * (n_columns // width) + " " * (n_columns % width)
