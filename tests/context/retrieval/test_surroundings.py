"""What the text around a cursor says."""

from __future__ import annotations

import pytest

from midfill_context.cursor import Cursor
from midfill_context.retrieval.surroundings import N_LINES_BEFORE, Surroundings, chain_before, surroundings


def around(text: str) -> Surroundings:
    """`|` is the cursor."""
    prefix, _, suffix = text.partition("|")
    return surroundings(Cursor("a.py", "python", prefix, suffix))


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("x = shop", ("shop",)),
        ("a.b.c", ("a", "b", "c")),
        ("a.b(x, [1])[0].c", ("a", "b", "c")),
        ("std::vector", ("std", "vector")),
        ("p->next", ("p", "next")),
        ("a?.b", ("a", "b")),
        ("builder\n    .first()\n    ", ("builder", "first")),
        ("f(x)", ("f",)),
        ("(x)", ()),
        ("'text'", ()),
        ("x)", ()),
        (")" * 5000, ()),
        ("", ()),
    ],
)
def test_chain_before(text: str, chain: tuple[str, ...]) -> None:
    assert chain_before(text.rstrip()) == chain


@pytest.mark.parametrize(
    ("text", "typed", "receiver", "callee"),
    [
        ("value = |", "", (), ()),
        ("value = sho|", "sho", (), ()),
        ("value = shop.|", "", ("shop",), ()),
        ("value = shop.se|", "se", ("shop",), ()),
        ("self.shop().sell(1, |)", "", (), ("self", "shop", "sell")),
        ("sell(a.b(1), [x|", "x", (), ()),
        ("sell(shop.|)", "", ("shop",), ("sell",)),
        ("if (|", "", (), ()),
        ("1.5 + |", "", (), ()),
        ("|", "", (), ()),
        ("Client::|", "", ("Client",), ()),
    ],
)
def test_what_is_being_written(text: str, typed: str, receiver: tuple[str, ...], callee: tuple[str, ...]) -> None:
    found = around(text)
    assert (found.typed, found.receiver, found.callee) == (typed, receiver, callee)


def test_names_count_by_nearness() -> None:
    near = around("far()\n" + "\n" * 8 + "shop.sell(near)\nvalue = typ|\nafter()\n").near
    assert near["value",] == 1
    assert near["value",] > near["near",] == near["after",] > near["far",] > 0
    assert ("shop", "sell") in near
    assert ("typ",) not in near


def test_names_far_away_do_not_count() -> None:
    assert ("far",) not in around("far()\n" * 3 + "\n" * N_LINES_BEFORE + "|").near
    assert around("a\n" * 7 + "|").line == 8
