"""Random edits: after each one the server's text equals that of a reference model."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from lsp_client import LspClient, Message, replacement

Launch = Callable[..., LspClient]

N_EDITS = 500
URI = "file:///project/a.py"
PIECES = [
    "a",
    "b",
    " ",
    "é",
    "€",
    "😀",
    "👩‍👩‍👧",
    "e\u0301",
    "\u0301",
    "\r\n",
    "\r",
    "\n",
    "\n",
    "\f",
    "\v",
    "\x85",
    "\u2028",
]
WIDTHS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda character: len(character.encode("utf-8")),
    "utf-16": lambda character: 2 if ord(character) > 0xFFFF else 1,
    "utf-32": lambda character: 1,
}


class Reference:
    """The text as one string; a position is found by walking from its beginning, as the specification words it."""

    def __init__(self, encoding: str) -> None:
        self.text = ""
        self._width = WIDTHS[encoding]

    def places(self) -> list[tuple[tuple[int, int], int]]:
        """Each position of the text with its offset, in order."""
        found, line, character, offset = [], 0, 0, 0
        while offset < len(self.text):
            found.append(((line, character), offset))
            if self.text.startswith("\r\n", offset):
                line, character, offset = line + 1, 0, offset + 2
            elif self.text[offset] in "\r\n":
                line, character, offset = line + 1, 0, offset + 1
            else:
                character, offset = character + self._width(self.text[offset]), offset + 1
        return [*found, ((line, character), offset)]

    def replace(self, first: tuple[int, int], last: tuple[int, int], text: str) -> None:
        places = self.places()
        start, end = (max(offset for place, offset in places if place <= wanted) for wanted in (first, last))
        self.text = self.text[:start] + text + self.text[end:]


def some_place(chance: random.Random, places: list[tuple[tuple[int, int], int]]) -> tuple[int, int]:
    """Mostly a position of the text; now and then inside a character, past a line's end or past the text."""
    (line, character), _ = chance.choice(places)
    kind = chance.random()
    if kind < 0.1:
        return line, character + 1
    if kind < 0.15:
        return line, character + 1000
    return (line + 1000, character) if kind < 0.17 else (line, character)


def some_change(chance: random.Random, reference: Reference) -> Message:
    """A random change, already made in the reference."""
    text = "".join(chance.choices(PIECES, k=chance.choice([0, 1, 1, 2, 5])))
    if chance.random() < 0.02:
        reference.text = text
        return {"text": text}
    places = reference.places()
    first = some_place(chance, places)
    near = [place for place in places if place[0] >= first][:6] or places[-1:]
    last = first if chance.random() < 0.5 else max(first, some_place(chance, near))
    reference.replace(first, last, text)
    return replacement(first, last, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_the_text_after_each_of_500_random_edits(launch: Launch, encoding: str) -> None:
    client, chance, reference = launch(), random.Random(f"edits in {encoding}"), Reference(encoding)
    capabilities = client.start(capabilities={"general": {"positionEncodings": [encoding]}})
    assert capabilities["positionEncoding"] == encoding
    client.open(URI, "")
    longest = 0
    for number in range(N_EDITS):
        client.change(URI, number, some_change(chance, reference))
        assert client.command("test.text", URI) == reference.text, f"after edit {number}"
        longest = max(longest, len(reference.text))
    for number in range(N_EDITS, N_EDITS + 50):
        client.change(URI, number, *(some_change(chance, reference) for _ in range(5)))
        assert client.command("test.text", URI) == reference.text, f"after batch {number}"
    assert longest > 60  # or the edits have hardly met each other
