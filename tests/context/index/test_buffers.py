"""Open buffers: the incremental tree tells what a fresh one tells."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfill_context.index.buffers import Buffer, changed_span
from midfill_context.index.reading import Row, row_of, unpacked
from midfill_context.index.skipping import BINARY, TOO_LARGE

TEXT = st.text(alphabet="ab\n😀é", max_size=40)


@given(TEXT, TEXT, TEXT, TEXT)
def test_the_changed_span(before: str, old: str, new: str, after: str) -> None:
    first, second = before + old + after, before + new + after
    start, old_end, new_end = changed_span(first, second)
    assert 0 <= start <= min(old_end, new_end)
    assert first[:start] + second[start:new_end] + first[old_end:] == second
    if first == second:
        assert start == old_end == new_end
    assert old_end - start <= len(old)


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.txt"])
def test_edits_lead_where_a_fresh_parse_leads(path: str) -> None:
    """The text is valid again after each round; in between anything goes."""
    rng = random.Random(7)
    text = Path(textwrap.__file__).read_text(encoding="utf-8") if path.endswith(".py") else CODE
    buffer = Buffer(path, text)
    for _ in range(40):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.randrange(30))
        removed, new = text[start:end], rng.choice(["x", "é😀", '"""', "(", "}\n", ""])
        buffer.edit(start, end, new)
        buffer.row()
        buffer.edit(start, start + len(new), removed)
        line = text.rfind("\n", 0, start) + 1
        added = rng.choice(["", "\n"])
        buffer.edit(line, line, added)
        text = text[:line] + added + text[line:]
        assert facts(buffer.row()) == facts(row_of(path, text.encode()))


CODE = (
    """
import { a as b } from "./b";
/** Doc. */
export class Box<T> extends Base { size: number = 0; put(item: T): void { this.size += 1; } }
export const twice = (x: number) => x * 2;
"""
    * 5
)


def facts(row: Row | str | None) -> object:
    assert isinstance(row, Row)
    return unpacked(row.facts) if row.facts else None


def test_half_a_surrogate_pair() -> None:
    buffer = Buffer("a.py", "x = '\ud83d'\n")
    buffer.row()
    buffer.edit(0, 1, "name\ud83d")
    assert isinstance(buffer.row(), Row)


def test_content_that_is_not_wanted() -> None:
    assert Buffer("a.py", "x = 1\0").row() == BINARY
    assert Buffer("a.py", "x = 1\n" * 200_000).row() == TOO_LARGE
