"""Cursors at calls of what another file of a Python project defines: the call is cut out, the rest of the file stays.

Nobody tells a benchmark what a user is about to write; a project that is finished does.
"""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from midfill_context.cursor import Cursor
from midfill_context.index.walking import Walker
from midfill_lsp.bench.context.python_names import Module, Place, PythonProject, imported_names

MAX_PER_DEFINITION = 3  # no project is to be judged by its favourite function


@dataclass(frozen=True)
class Call:
    """A call and what it calls. Offsets are characters of `text`, the whole file; the called name begins at `name`."""

    path: str
    text: str
    start: int
    name: int
    end: int
    place: Place

    def cursor(self, *, is_before_call: bool = False) -> Cursor:
        """The place of the call, cut out from the called name on, behind its dot; or the whole expression."""
        start = self.start if is_before_call else self.name
        return Cursor(self.path, "python", self.text[:start], self.text[self.end :])

    @property
    def where(self) -> str:
        """The place of the called name, as `path:line:column`."""
        before = self.text[: self.name].split("\n")
        return f"{self.path}:{len(before)}:{len(before[-1]) + 1}"

    @property
    def line(self) -> str:
        """The true text from the called name to the end of the call or of its line."""
        return self.text[self.name : self.end].partition("\n")[0]


def python_texts(folder: Path) -> dict[str, str]:
    """The Python files of a project that the index would hold, by path; those in other encodings are left out."""
    texts = {}
    for path in Walker(folder.resolve()).walk().files:
        if path.endswith(".py"):
            try:
                texts[path] = (folder / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def punch(texts: Mapping[str, str], n_calls: int, seed: int = 0) -> list[Call]:
    """So many calls drawn from a project, one of each definition in a file and a few of each in all."""
    project = PythonProject(texts)
    calls = [call for module in project.modules.values() for call in _calls(module, project)]
    random.Random(seed).shuffle(calls)
    n_drawn: Counter[Place] = Counter()
    drawn: dict[tuple[str, Place], Call] = {}
    for call in calls:
        if len(drawn) < n_calls and (call.path, call.place) not in drawn and n_drawn[call.place] < MAX_PER_DEFINITION:
            n_drawn[call.place] += 1
            drawn[call.path, call.place] = call
    return list(drawn.values())


def _calls(module: Module, project: PythonProject) -> Iterator[Call]:
    """The calls of a file whose callee is certain and lies in another file."""
    names = imported_names(module)
    line_starts = [0, *accumulate(len(line) for line in module.text.encode().splitlines(keepends=True))]
    data = module.text.encode()

    def offset(line: int | None, column: int | None) -> int:
        assert line is not None
        assert column is not None
        return len(data[: line_starts[line - 1] + column].decode())

    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        dotted = _dotted(node.func)
        first, _, rest = dotted.partition(".")
        place = project.definition(f"{names[first]}.{rest}".rstrip(".")) if first in names else None
        if place and place.path != module.path:
            name = dotted.rpartition(".")[2]
            yield Call(
                module.path,
                module.text,
                offset(node.lineno, node.col_offset),
                offset(node.func.end_lineno, node.func.end_col_offset) - len(name),
                offset(node.end_lineno, node.end_col_offset),
                place,
            )


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression of names and dots alone; empty of any other."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
