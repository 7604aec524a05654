"""What a benchmark is made of: files with a hole whose content is known. Read from JSON lines, gzip or plain."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from midfill_context.cursor import Cursor, Snippet
from midfill_training.errors import BadInput

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One hole.

    Tables have a line for each `group`. Cases of one `cluster` come from the same problem, file or repository, so that
    they are not independent evidence. With `is_whole_lines` the hole is whole lines with their line ends: an editor has
    an empty line there. `details` is what the suite's judge needs besides.
    """

    id: str
    group: str
    cluster: str
    cursor: Cursor
    reference: str
    is_whole_lines: bool = False
    snippets: tuple[Snippet, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def read_cases(path: Path, fields: Sequence[str], case_of: Callable[[Row], Case]) -> list[Case]:
    """The cases of a file whose rows have `fields`. Raises BadInput for a file of another shape, naming the line."""
    cases = {}
    for number, row in _rows(path):
        missing = [name for name in fields if name not in row]
        if missing:
            shape = ", ".join(fields)
            raise BadInput(f"{path}, line {number}: has no field {missing[0]!r}; a row of this suite has {shape}")
        try:
            case = case_of(row)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path}, line {number}: is no case of this suite: {error}") from error
        if case.id in cases:
            raise BadInput(f"{path}, line {number}: a second case with the id {case.id}")
        cases[case.id] = case
    if not cases:
        raise BadInput(f"{path}: holds no case")
    return list(cases.values())


def choose_cases(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """At most `limit` cases of each group, all over the file and always the same; a larger limit only adds to them.

    Groups come in their order in the file, the cases of a group in the order of a hash: neighbours are alike.
    """
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    return list(chain.from_iterable(sorted(group, key=_draw)[:limit] for group in groups.values()))


def _draw(case: Case) -> bytes:
    return hashlib.sha256(case.id.encode()).digest()


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The objects of a file with the numbers of their lines."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _row(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is no text in UTF-8: {error}") from error


def _row(line: str, where: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where}: is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadInput(f"{where}: is no JSON object")
    return row
