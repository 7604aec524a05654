"""SFIM as it is drawn: files come back byte for byte, middles are whole, cursors stand where people put them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from functools import cache

import pytest

from midfill_context.syntax.grammars import parse
from midfill_context.syntax.parts import parts
from midfill_training.errors import BadInput
from midfill_training.objectives.code import Code
from midfill_training.objectives.sampling import ObjectiveSettings
from midfill_training.objectives.sfim import HoleSettings, at_cursor, in_characters, structure_hole
from midfill_training.objectives.spans import KINDS, Hole, KindWeights, find_hole
from midfill_training.objectives.survey import Source, survey
from training.sources import sources

N_SAMPLES = 10_000
NEVER_MOVED = HoleSettings(typed_share=0, line_share=0)
ALWAYS_TYPED = HoleSettings(typed_share=1, line_share=0)
ALWAYS_ON_LINE = HoleSettings(typed_share=0, line_share=1)


@cache
def parents_of(text: str, language: str) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """The nodes that have a child starting at a byte, and those with one ending there: by a walk over all nodes."""
    tree = parse(language, text.encode())
    assert tree is not None
    starting: dict[int, set[int]] = defaultdict(set)
    ending: dict[int, set[int]] = defaultdict(set)
    left = [tree.root_node]
    while left:
        node = left.pop()
        for child in node.children:
            starting[child.start_byte].add(node.id)
            ending[child.end_byte].add(node.id)
            left.append(child)
    return starting, ending


def is_whole(hole: Hole, text: str, language: str) -> bool:
    starting, ending = parents_of(text, language)
    start, end = (len(text[:at].encode()) for at in (hole.start, hole.end))
    if start == end:  # no children, behind one of them or on a blank line after it
        return start in ending or len(text[: hole.start].rstrip().encode()) in ending
    return not starting[start].isdisjoint(ending[end])


@cache
def parsed(text: str, language: str) -> Code:
    source = text.encode()
    tree = parse(language, source)
    assert tree is not None
    return Code(source, tree.root_node, parts(language), HoleSettings().max_middle_bytes)


def test_ten_thousand_in_six_languages(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(0)
    kinds: Counter[str] = Counter()
    files = sources()
    assert len(files) == 6
    for number in range(N_SAMPLES):
        language = list(files)[number % len(files)]
        text = files[language][number // len(files) % len(files[language])]
        found = find_hole(parsed(text, language), KindWeights(), rng)
        assert found is not None
        hole = in_characters(found, text.encode())
        assert is_whole(hole, text, language), (hole, text[hole.start : hole.end])
        moved = at_cursor(hole, text, rng, HoleSettings())
        prefix, middle, suffix = text[: moved.start], text[moved.start : moved.end], text[moved.end :]
        assert (prefix + middle + suffix).encode() == text.encode()
        assert moved.start <= moved.end <= hole.end
        kinds[hole.kind] += 1
    assert set(kinds) == set(KINDS)
    assert 0.03 <= kinds["empty"] / N_SAMPLES <= 0.06
    assert kinds["single_line"] == max(kinds.values())
    with capsys.disabled():
        shares = ", ".join(f"{kind} {n / N_SAMPLES:.1%}" for kind, n in kinds.most_common())
        print(f"\n{N_SAMPLES:,} samples: {shares}")


def test_choosing_costs_little_beside_parsing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be faster than tree-sitter. Measured: 85 to 97 % of its speed; a busy machine is allowed a half."""
    settings = ObjectiveSettings(ntp=0, fim=0)
    files = [Source("", language, text * 4) for language, texts in sources().items() for text in texts[:9]]
    found = survey(files, len(files) * 2, random.Random(0), settings)
    with capsys.disabled():
        print(f"\nSFIM {found.speed / 1e6:.1f} MB/s, parsing alone {found.parse_speed / 1e6:.1f} MB/s")
    assert found.speed > 0.5 * found.parse_speed


TEXT = "def f(x):\n\n    y = g(x)\n    if y:\n        return y\n\n    return x\n"


def at(middle: str) -> Hole:
    start = TEXT.index(middle)
    return Hole("single_line", start, start + len(middle))


def starts(hole: Hole, settings: HoleSettings, n_seeds: int = 200) -> set[str]:
    moved = [at_cursor(hole, TEXT, random.Random(seed), settings) for seed in range(n_seeds)]
    assert {each.end for each in moved} == {hole.end}
    return {TEXT[each.start : each.end] for each in moved}


def test_a_structure_that_is_not_moved() -> None:
    assert starts(at("y = g(x)"), NEVER_MOVED) == {"y = g(x)"}


def test_typed_characters_go_to_the_prefix() -> None:
    assert starts(at("y = g(x)"), ALWAYS_TYPED) == {"y = g(x)"[n:] for n in range(1, 8)}


def test_typed_characters_are_of_the_first_line() -> None:
    """At most all of it: then the cursor stands behind `:`, and the line end is to be written."""
    block = "if y:\n        return y"
    assert starts(at(block), ALWAYS_TYPED) == {block[n:] for n in range(1, 6)}


def test_after_enter() -> None:
    assert starts(at("y = g(x)"), ALWAYS_ON_LINE) == {"\n\n    y = g(x)", "\n    y = g(x)", "    y = g(x)"}
    assert starts(at("if y:"), ALWAYS_ON_LINE) == {"\n    if y:", "    if y:"}


def test_what_does_not_begin_its_line_stays_on_it() -> None:
    assert starts(at("g(x)"), ALWAYS_ON_LINE) == {"g(x)"}


@pytest.mark.parametrize("middle", ["y", "", "x"])
def test_the_shortest_middles(middle: str) -> None:
    hole = Hole("expression", 4, 4 + len(middle))
    assert at_cursor(hole, TEXT, random.Random(0), ALWAYS_TYPED) == hole


def test_line_ends_that_belong_to_a_structure_stay_in_the_suffix() -> None:
    text = "#include <a.h>\n#include <b.h>\nint x;\n"
    settings = HoleSettings(
        KindWeights(**{kind: float(kind == "imports") for kind in KINDS}), typed_share=0, line_share=0
    )
    for seed in range(30):
        hole = structure_hole(text, "c", random.Random(seed), settings)
        assert hole is not None
        assert not text[: at_cursor(hole, text, random.Random(seed), settings).end].endswith("\n")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"weights": KindWeights(body=-1.0)}, "none may be negative"),
        ({"weights": KindWeights(**dict.fromkeys(KINDS, 0.0))}, "one must be more than 0"),
        ({"typed_share": 0.7, "line_share": 0.7}, "shares of one whole"),
        ({"typed_share": -0.1}, "shares of one whole"),
        ({"max_middle_bytes": 0}, "at least one byte"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_mean_nothing(settings: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        HoleSettings(**settings)  # type: ignore[arg-type]
