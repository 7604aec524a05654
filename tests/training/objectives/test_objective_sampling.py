"""Which objective a file gets."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from midfill_training.errors import BadInput
from midfill_training.objectives.examples import Example
from midfill_training.objectives.sampling import ObjectiveSettings, choose_example
from midfill_training.settings import read_settings

CODE = "def f(x):\n    y = g(x, 1)\n    return y + 1  # größer\n"


def draw(text: str, language: str, n: int = 500, settings: ObjectiveSettings | None = None) -> list[Example]:
    rng = random.Random(0)
    return [choose_example(text, language, rng, settings or ObjectiveSettings()) for _ in range(n)]


def test_shares_are_the_settings() -> None:
    counts = Counter(example.objective for example in draw(CODE, "python", 2000))
    assert 0.12 < counts["ntp"] / 2000 < 0.18
    assert 0.12 < counts["fim"] / 2000 < 0.18
    assert 0.66 < counts["sfim"] / 2000 < 0.74


@pytest.mark.parametrize(
    ("text", "language"),
    [(CODE, "python"), ("🙂é\n" * 9, "markdown"), ("x", ""), ("\n", "python"), ("a: 1\n", "yaml"), ("", "java")],
)
def test_the_file_comes_back(text: str, language: str) -> None:
    assert {example.text for example in draw(text, language)} == {text}


@pytest.mark.parametrize("language", ["yaml", "", "unheard-of"])
def test_without_a_grammar_sfim_is_fim(language: str) -> None:
    settings = ObjectiveSettings(ntp=0, fim=0, sfim=1)
    assert {example.objective for example in draw(CODE, language, 50, settings)} == {"fim"}


def test_random_holes_are_uniform_pairs() -> None:
    holes = draw("x" * 1000, "", 4000, ObjectiveSettings(ntp=0, fim=1, sfim=0))
    mean = sum(len(example.middle) for example in holes) / len(holes)
    assert 310 < mean < 357  # a third of the file
    assert {example.kind for example in holes} == {"random"}


def test_without_a_hole_all_is_middle() -> None:
    (example,) = draw(CODE, "python", 1, ObjectiveSettings(ntp=1, fim=0, sfim=0))
    assert example == Example("ntp", "file", "", CODE, "")


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"ntp": -1.0}, "none below 0"),
        ({"ntp": 0.0, "fim": 0.0, "sfim": 0.0}, "one above it"),
        ({"spm_share": 1.5}, "from 0 to 1"),
    ],
)
def test_settings_that_mean_nothing(shares: dict[str, float], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        ObjectiveSettings(**shares)  # type: ignore[arg-type]


def test_settings_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        "[objectives]\nsfim = 1\n[objectives.holes]\ntyped_share = 0.1\n[objectives.holes.weights]\nempty = 0\n"
    )
    settings = read_settings(file, "objectives", ObjectiveSettings)
    assert (settings.sfim, settings.ntp, settings.holes.typed_share) == (1.0, 0.15, 0.1)
    assert (settings.holes.weights.empty, settings.holes.weights.body) == (0.0, 0.09)
