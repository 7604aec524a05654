"""What each kind of hole cuts out, and that it is always whole."""

from __future__ import annotations

import random

import pytest

from midfill_training.objectives.sfim import HoleSettings, structure_hole
from midfill_training.objectives.spans import KINDS, KindWeights

PYTHON = '''\
"""A module."""
import os
from typing import Any, Iterator

LIMIT = 10


class Basket(dict):
    """Things to buy."""

    def add(self, item: str, count: int = 1) -> None:
        """Put something in."""
        if count < LIMIT and item not in self:
            self[item] = max(count, 1) + 0  # at least one
            self.changed("item added")
        else:
            raise ValueError(item)
        # nothing else
        return None
'''
JAVA = """\
package shop;

import java.util.List;

/** Things to buy. */
class Basket {
    private int limit = 10;

    public void add(String item, int count) throws Full {
        for (String other : items) {
            if (other.equals(item)) {
                return;
            }
        }
        items.put(item, Math.max(count, 1));
        log.info("item added");
    }
}
"""
GO = """\
package shop

import "fmt"

func Add(item string, count int) error {
	if count < limit {
		items[item] = count
		fmt.Println("item added", item)
		return nil
	}
	return errFull
}
"""


def only(kind: str) -> HoleSettings:
    return HoleSettings(KindWeights(**{each: float(each == kind) for each in KINDS}))


def cut(text: str, language: str, kind: str, n_seeds: int = 300) -> set[str]:
    """All middles of one kind that so many seeds find."""
    holes = (structure_hole(text, language, random.Random(seed), only(kind)) for seed in range(n_seeds))
    found = [hole for hole in holes if hole is not None]
    assert {hole.kind for hole in found} <= {kind}
    return {text[hole.start : hole.end] for hole in found}


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("single_line", {"LIMIT = 10", "raise ValueError(item)", "else:", "class Basket(dict):"}),
        ("expression", {"max(count, 1) + 0", "count < LIMIT", "item not in self", "= 10", "str", "None"}),
        ("arguments", {"count, 1", "item", "item)", "self, item: str, count: int = 1", "dict"}),
        ("condition", {"count < LIMIT and item not in self", "count < LIMIT and item not in self:"}),
        ("signature", {"add(self, item: str, count: int = 1) -> None:", "None:", "(dict)", "Basket(dict):"}),
        ("body", {"raise ValueError(item)"}),
        ("control", {"else:\n            raise ValueError(item)"}),
        ("definition", {PYTHON[PYTHON.index("def add") :].rstrip()}),
        ("imports", {"import os", "from typing import Any, Iterator", "os", "Any, Iterator"}),
        ("comment", {'"""A module."""', '"""Put something in."""', "# at least one", "# nothing else"}),
        ("string", {"item added"}),
        ("empty", {""}),
    ],
)
def test_python(kind: str, wanted: set[str]) -> None:
    assert wanted <= cut(PYTHON, "python", kind)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("single_line", {"private int limit = 10;", "return;", 'log.info("item added");'}),
        ("arguments", {"item, Math.max(count, 1)", "String item, int count", "count, 1"}),
        ("condition", {"(other.equals(item))"}),
        ("signature", {"add(String item, int count) throws Full"}),
        ("body", {"return;", JAVA[JAVA.index("for (") : JAVA.rindex("    }")].rstrip()}),
        ("control", {"if (other.equals(item)) {\n                return;\n            }"}),
        ("imports", {"import java.util.List;", "package shop;"}),
        ("comment", {"/** Things to buy. */"}),
        ("string", {"item added"}),
    ],
)
def test_java(kind: str, wanted: set[str]) -> None:
    assert wanted <= cut(JAVA, "java", kind)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("single_line", {"items[item] = count", "return nil"}),
        ("arguments", {'"item added", item', "item string, count int"}),
        ("condition", {"count < limit"}),
        ("signature", {"Add(item string, count int) error"}),
        ("body", {'items[item] = count\n\t\tfmt.Println("item added", item)\n\t\treturn nil'}),
        ("block", {'fmt.Println("item added", item)\n\t\treturn nil'}),
    ],
)
def test_go(kind: str, wanted: set[str]) -> None:
    assert wanted <= cut(GO, "go", kind)


CSHARP = """\
using System;

// A basket.
class Basket {
    int Add(string item, int n) {
        if (n < limit) {
            items[item] = Max(n, 1);
            Log(item, n);
        }
        return n;
    }
}
"""
KOTLIN = """\
import java.util.Date

// A basket.
class Basket(val limit: Int) {
    fun add(item: String, n: Int): Int {
        if (n < limit) {
            items[item] = max(n, 1)
            log(item, n)
        }
        return n
    }
}
"""
RUST = """\
use std::io;

// A basket.
impl Basket {
    fn add(&mut self, item: String, n: u32) -> u32 {
        if n < self.limit {
            self.items.insert(item, max(n, 1));
            log(n, 2);
        }
        n
    }
}
"""
RUBY = """\
# A basket.
class Basket
  def add(item, n)
    if n < @limit
      @items[item] = max(n, 1)
      log(item, n)
    end
    n
  end
end
"""
PHP = """\
<?php
use Shop\\Item;

// A basket.
class Basket {
    function add($item, $n) {
        if ($n < $this->limit) {
            $this->items[$item] = max($n, 1);
            log($item, $n);
        }
        return $n;
    }
}
"""
LUA = """\
-- A basket.
function Basket:add(item, n)
  if n < self.limit then
    self.items[item] = max(n, 1)
    log(item, n)
  end
  return n
end
"""
BASH = """\
# A basket.
add() {
  local item=$1 n=$2
  for each in $items; do
    echo "$each $n"
    log $item $n
  done
  if [ $n -lt 10 ]; then
    return 1
  fi
}
"""
EVERYWHERE = set(KINDS) - {"arguments", "imports", "definition", "string"}


@pytest.mark.parametrize(
    ("language", "text", "more"),
    [
        ("csharp", CSHARP, {"arguments", "imports"}),
        ("kotlin", KOTLIN, {"arguments", "imports"}),
        ("rust", RUST, {"arguments", "imports"}),
        ("ruby", RUBY, {"arguments"}),
        ("php", PHP, {"arguments", "imports"}),
        ("lua", LUA, {"arguments"}),
        ("bash", BASH, set()),
    ],
    ids=lambda value: value if value in ("csharp", "kotlin", "rust", "ruby", "php", "lua", "bash") else "",
)
def test_the_other_languages(language: str, text: str, more: set[str]) -> None:
    holes = [structure_hole(text, language, random.Random(seed), HoleSettings()) for seed in range(500)]
    assert {hole.kind for hole in holes if hole is not None} >= EVERYWHERE | more


def test_blocks_are_several_lines_and_leave_the_words_about_what_follows() -> None:
    blocks = cut(PYTHON, "python", "block")
    assert all("\n" in block for block in blocks)
    assert any(block.endswith("return None") for block in blocks)
    assert not any(block.endswith("# nothing else") for block in blocks)


def test_bodies_leave_their_docstring_to_the_prefix() -> None:
    assert not any('"""' in body.partition("\n")[0] for body in cut(PYTHON, "python", "body"))


def test_bodies_come_with_and_without_their_brackets() -> None:
    assert {body.startswith("{") for body in cut(JAVA, "java", "body")} == {True, False}


def test_the_example_of_the_paper() -> None:
    """PAPER.md section 2: inside the If node, only a part of its children is cut."""
    text = "for i in range(20):\n    if i % 5 == 0:\n        print('Hello World')\n"
    assert "i % 5 == 0:" in cut(text, "python", "condition")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"empty"}))
@pytest.mark.parametrize("max_bytes", [1, 20, 60])
def test_no_middle_is_longer_than_asked(kind: str, max_bytes: int) -> None:
    settings = HoleSettings(only(kind).weights, max_middle_bytes=max_bytes)
    for seed in range(60):
        hole = structure_hole(PYTHON, "python", random.Random(seed), settings)
        assert hole is None or 0 < hole.end - hole.start <= max_bytes


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "x", "}", "((((", "\x00", "def", "'" * 50, "class A\n  def f(:\n\t}", "\ud800 = 1\n"],
    ids=ascii,
)
@pytest.mark.parametrize("language", ["python", "java", "bash", "cpp"])
def test_what_is_no_code_does_no_harm(text: str, language: str) -> None:
    for seed in range(30):
        hole = structure_hole(text, language, random.Random(seed), HoleSettings())
        assert hole is None or 0 <= hole.start <= hole.end <= len(text)


@pytest.mark.parametrize(
    "text",
    ["x = " + "(" * 4000 + "a" + ")" * 4000 + "\n", "x = " + " + ".join(["a"] * 20_000) + "\n", "[" * 3000 + "\n"],
    ids=["brackets", "sum", "open"],
)
def test_deep_trees(text: str) -> None:
    """What is small enough for a middle lies too deep, so that only holes without one are left."""
    for seed in range(5):
        hole = structure_hole(text, "python", random.Random(seed), HoleSettings())
        assert hole is not None
        assert hole.kind == "empty"
        assert 0 < hole.start == hole.end <= len(text)


def test_offsets_are_characters() -> None:
    text = 'größe = {"ключ": "значение", "名前": "🙂🙂"}\nprint(größe["名前"], "ключ")  # 🙂\n' * 3
    for kind in ("single_line", "expression", "arguments", "string", "comment"):
        for middle in cut(text, "python", kind, 60):
            assert middle == middle.strip()
    assert {"🙂🙂", "значение"} <= cut(text, "python", "string")
    assert 'größe["名前"], "ключ"' in cut(text, "python", "arguments")


def test_kinds_are_drawn_as_they_are_weighted() -> None:
    weights = KindWeights(**{kind: {"single_line": 3.0, "expression": 1.0}.get(kind, 0.0) for kind in KINDS})
    kinds = []
    for seed in range(600):
        hole = structure_hole(PYTHON, "python", random.Random(seed), HoleSettings(weights))
        kinds.append(hole.kind if hole else "none")
    assert 0.7 < kinds.count("single_line") / len(kinds) < 0.8
    assert set(kinds) == {"single_line", "expression"}


def test_the_same_seed_gives_the_same_hole() -> None:
    holes = [structure_hole(JAVA, "java", random.Random(3), HoleSettings()) for _ in range(5)]
    assert len(set(holes)) == 1
