"""Settings files: what they may say, and what is refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from midfill_training.errors import BadInput
from midfill_training.settings import read_settings


@dataclass(frozen=True)
class Shares:
    ntp: float = 0.15
    sfim: float = 0.7


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    name: str = ""
    lora: bool = False
    limit: int | None = None
    languages: tuple[str, ...] = ()
    shares: Shares = field(default_factory=Shares)


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, "stage", Settings)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", Settings()),
        ("[other]\nseed = 3", Settings()),
        ("[stage]\nseed = 3\nname = 'x'\nlora = true\nlimit = 5", Settings(3, "x", True, 5)),
        ("[stage]\nlanguages = ['go', 'c']", Settings(languages=("go", "c"))),
        ("[stage.shares]\nsfim = 1", Settings(shares=Shares(sfim=1.0))),
    ],
    ids=["empty", "of another stage", "scalars", "list", "nested, whole number for a share"],
)
def test_values_over_defaults(tmp_path: Path, text: str, settings: Settings) -> None:
    assert read(tmp_path, text) == settings


def test_no_file_is_the_defaults() -> None:
    assert read_settings(None, "stage", Settings) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[stage]\nsede = 3", r"stage\.sede is no setting; there are languages, "),
        ("[stage.shares]\nntpp = 3", r"stage\.shares\.ntpp is no setting"),
        ("[stage]\nseed = 'x'", r"stage\.seed is 'x'; it takes int"),
        ("[stage]\nseed = true", r"stage\.seed is True"),
        ("[stage]\nlora = 1", r"stage\.lora is 1; it takes bool"),
        ("[stage]\nlimit = 1.5", r"stage\.limit is 1\.5"),
        ("[stage]\nlanguages = 'go'", r"stage\.languages is 'go'; it takes tuple"),
        ("[stage]\nlanguages = [1]", r"stage\.languages is 1"),
        ("[stage]\nshares = 1", r"stage\.shares is 1; it takes Shares"),
        ("stage = 1", r"stage is 1; it takes a table"),
        ("[stage", "cannot be read as settings"),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read as settings"):
        read_settings(tmp_path / "none.toml", "stage", Settings)
