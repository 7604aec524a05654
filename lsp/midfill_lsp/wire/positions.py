"""Where a client's (line, character) lies in a text, and back, by the rules of LSP 3.18 "Text Documents".

A text is held as its lines, line ends included, so that `"".join(lines)` is the text again. Only `\\n`,
`\\r\\n` and `\\r` end a line: form feed, U+0085 or U+2028 do not, whatever `str.splitlines` says. Lines count
from 0; the last one has no line end and may be empty. A `character` counts the client's units: bytes of
UTF-8, 16-bit units of UTF-16 or code points. Offsets and columns count code points. Texts hold no lone
surrogates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def split_lines(text: str) -> list[str]:
    """The lines of a text with their ends; always at least one, the last one without an end."""
    lines: list[str] = _LINE.findall(text)
    # The pattern also matches the nothing at the very end; it is a line only where a line end precedes it.
    if len(lines) > 1 and not lines[-2].endswith(("\n", "\r")):
        lines.pop()
    return lines


def body_length(line: str) -> int:
    """Code points of a line without its end."""
    return len(line) - (2 if line.endswith("\r\n") else 1 if line.endswith(("\n", "\r")) else 0)


def n_units(text: str, encoding: Encoding) -> int:
    """How many of the client's units a text takes."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text) + sum(character > "\uffff" for character in text)
    return len(text.encode("utf-8"))


def column_of(line: str, character: int, encoding: Encoding) -> int:
    """Code points before `character` in a line.

    Past the end means the end of the line, before its line end; inside a surrogate pair or a UTF-8 sequence
    means before that character.
    """
    body = body_length(line)
    if encoding == "utf-32" or line.isascii():
        return min(max(character, 0), body)
    if encoding == "utf-8":
        return _column_of_bytes(line[:body], character)
    return _column_of_words(line[:body], character)


def _column_of_bytes(text: str, n_bytes: int) -> int:
    encoded = text.encode("utf-8")
    end = min(max(n_bytes, 0), len(encoded))
    while end < len(encoded) and encoded[end] & 0xC0 == 0x80:  # a continuation byte
        end -= 1
    return len(encoded[:end].decode("utf-8"))


def _column_of_words(text: str, n_words: int) -> int:
    encoded = text.encode("utf-16-le")
    end = 2 * min(max(n_words, 0), len(encoded) // 2)
    if 0 < end < len(encoded) and _is_high(encoded[end - 1]) and _is_low(encoded[end + 1]):
        end -= 2
    return len(encoded[:end].decode("utf-16-le"))


def _is_high(upper_byte: int) -> bool:
    return upper_byte & 0xFC == 0xD8


def _is_low(upper_byte: int) -> bool:
    return upper_byte & 0xFC == 0xDC


def locate(lines: Sequence[str], line: int, character: int, encoding: Encoding) -> tuple[int, int]:
    """A client's position as (line, column) inside the text; past the last line means the end of the text."""
    if line >= len(lines):
        return len(lines) - 1, len(lines[-1])
    if line < 0:
        return 0, 0
    return line, column_of(lines[line], character, encoding)


def offset_at(lines: Sequence[str], line: int, character: int, encoding: Encoding) -> int:
    """Code points of the text before a client's position."""
    line, column = locate(lines, line, character, encoding)
    return sum(map(len, lines[:line])) + column


def position_at(lines: Sequence[str], offset: int, encoding: Encoding) -> tuple[int, int]:
    """The client's (line, character) of an offset; between `\\r` and `\\n` means before both."""
    number, rest = 0, max(offset, 0)
    while number < len(lines) - 1 and rest >= len(lines[number]):
        rest -= len(lines[number])
        number += 1
    body = lines[number][: body_length(lines[number])]
    return number, n_units(body[:rest], encoding)
