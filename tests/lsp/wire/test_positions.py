"""Positions against a reference that counts character by character."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfill_lsp.wire.positions import Encoding, body_length, locate, n_units, offset_at, position_at, split_lines

ENCODINGS: list[Encoding] = ["utf-8", "utf-16", "utf-32"]
WIDTHS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda character: len(character.encode()),
    "utf-16": lambda character: len(character.encode("utf-16-le")) // 2,
    "utf-32": lambda character: 1,
}
texts = st.text(alphabet="aé€😀\n\r\f\x0b\x1c\x85\u2028\u2029\u0301\t", max_size=40)
encodings = st.sampled_from(ENCODINGS)


def walk(text: str, encoding: Encoding) -> list[tuple[int, int]]:
    """The (line, character) before each code point and at the end, by walking through the text."""
    places = []
    line = character = 0
    for index, code_point in enumerate(text):
        places.append((line, character))
        is_line_end = code_point == "\n" or (code_point == "\r" and text[index + 1 : index + 2] != "\n")
        line, character = (line + 1, 0) if is_line_end else (line, character + WIDTHS[encoding](code_point))
    return [*places, (line, character)]


@given(texts)
def test_lines_join_to_the_text_and_end_only_where_lsp_says(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert len(lines) == walk(text, "utf-32")[-1][0] + 1
    assert body_length(lines[-1]) == len(lines[-1])


@given(texts, encodings)
def test_every_offset_and_its_position_convert_into_each_other(text: str, encoding: Encoding) -> None:
    lines = split_lines(text)
    for offset, place in enumerate(walk(text, encoding)):
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # no position lies inside a line end
        assert position_at(lines, offset, encoding) == place
        assert offset_at(lines, *place, encoding) == offset


@given(texts, encodings, st.integers(0, 50), st.integers(0, 200))
def test_any_position_lies_in_the_text_on_a_character_boundary(
    text: str, encoding: Encoding, line: int, character: int
) -> None:
    lines = split_lines(text)
    offset = offset_at(lines, line, character, encoding)
    before = [place for place in walk(text, encoding) if place <= (line, character)]
    expected_line, expected_character = before[-1]
    found_line, found_character = position_at(lines, offset, encoding)
    assert found_line == expected_line
    assert found_character == min(
        expected_character, n_units(lines[found_line][: body_length(lines[found_line])], encoding)
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_past_the_end_is_clamped(encoding: Encoding) -> None:
    lines = split_lines("ab\r\ncd")
    assert offset_at(lines, 0, 99, encoding) == 2
    assert offset_at(lines, 1, 99, encoding) == 6
    assert offset_at(lines, 99, 0, encoding) == 6
    assert locate(lines, -1, 5, encoding) == (0, 0)


def test_the_empty_last_line_counts() -> None:
    lines = split_lines("ééé\n")
    assert lines == ["ééé\n", ""]
    assert offset_at(lines, 1, 0, "utf-8") == 4
    assert position_at(lines, 4, "utf-8") == (1, 0)


@pytest.mark.parametrize(("encoding", "inside"), [("utf-8", (1, 2, 3)), ("utf-16", (1,))])
def test_inside_a_character_means_before_it(encoding: Encoding, inside: tuple[int, ...]) -> None:
    lines = split_lines("😀x")
    assert [offset_at(lines, 0, character, encoding) for character in inside] == [0] * len(inside)


@pytest.mark.parametrize("separator", ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_else_python_takes_for_a_line_end_is_none(separator: str) -> None:
    assert split_lines(f"a{separator}b\nc") == [f"a{separator}b\n", "c"]
