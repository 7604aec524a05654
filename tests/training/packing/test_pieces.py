"""Files cut into pieces."""

from __future__ import annotations

import argparse
import inspect

import pytest

from midfill_training.packing.pieces import Pieces

JAVA = """package shop;

public class Cart {
    private int total;

    /** Adds. */
    public void add(int price) {
        total += price;
        if (total > 100) {
            discount();
        }
    }

    private void discount() {
        total -= 10;
    }
}
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (inspect.getsource(argparse), "python"),
        (JAVA * 20, "java"),
        ("def broken(:\n  ((\n" * 200, "python"),
        ("no grammar\n" * 500, "markdown"),
        ("x" * 5000, "python"),
        ("é" * 3000, "python"),
        ("🎉a" * 1000, ""),
        ("\n" * 3000, "python"),
        ("", "python"),
        ("lone \ud800 surrogate\n" * 100, "python"),
    ],
    ids=["python", "java", "broken", "prose", "one line", "two bytes", "four bytes", "blank", "empty", "surrogate"],
)
@pytest.mark.parametrize("max_bytes", [1, 7, 300, 4000])
def test_pieces_join_to_the_text(text: str, language: str, max_bytes: int) -> None:
    pieces = list(Pieces(text, language).all(max_bytes))
    assert "".join(pieces) == text.encode(errors="replace").decode()
    assert all(0 < len(piece.encode()) <= max(max_bytes, 4) for piece in pieces)


def test_pieces_begin_where_definitions_do() -> None:
    pieces = list(Pieces(inspect.getsource(argparse), "python").all(6000))
    starts = [piece.splitlines()[0].lstrip() for piece in pieces[1:]]
    assert sum(start.startswith(("def ", "class ", "#", "@")) for start in starts) > 0.8 * len(starts)
    assert sum(piece.startswith(("def ", "class ", "#", "@")) for piece in pieces[1:]) > 0.2 * len(starts)


def test_the_least_deep_place_wins_and_comments_stay_with_what_they_say() -> None:
    pieces = Pieces(JAVA + "\n" + JAVA[JAVA.index("public class") :], "java")
    assert pieces.text(0, pieces.cut(0, 500)) == JAVA + "\n"  # not at the last method of the next class
    pieces = Pieces("x = 1\n" * 60 + "# what follows\n# in two lines\ndef f():\n    pass\n" + "y = 1\n" * 60, "python")
    assert pieces.text(0, pieces.cut(0, 400)) == "x = 1\n" * 60
