"""Which objective a file is trained with, and where its hole is."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from midfill_training.errors import BadInput
from midfill_training.objectives.examples import OBJECTIVES, Example
from midfill_training.objectives.sfim import HoleSettings, syntax_hole


@dataclass(frozen=True)
class ObjectiveSettings:
    """How often each objective is drawn, as ratios, and the order of the parts."""

    ntp: float = 0.15  # DESIGN.md's choice among the shares that the sources give (PAPER.md section 2)
    fim: float = 0.15
    sfim: float = 0.70
    spm_share: float = 0.5  # finetune.py's: serving uses SPM, llama.cpp's own clients use PSM
    holes: HoleSettings = field(default_factory=HoleSettings)

    def __post_init__(self) -> None:
        shares = [self.ntp, self.fim, self.sfim]
        if min(shares) < 0 or not sum(shares):
            raise BadInput(f"the shares of {', '.join(OBJECTIVES)} are {shares}; none below 0, and one above it")
        if not 0 <= self.spm_share <= 1:
            raise BadInput(f"spm_share is {self.spm_share}; it is a share, from 0 to 1")


def choose_example(text: str, language: str, rng: random.Random, settings: ObjectiveSettings) -> Example:
    """One example of a file, or of a piece of one; `language` is an id of `languages.toml`.

    SFIM becomes FIM where the language has no grammar here or the syntax tree nothing whole to cut out. An empty text
    is always NTP.
    """
    (objective,) = rng.choices(OBJECTIVES, (settings.ntp, settings.fim, settings.sfim))
    if objective == "ntp" or not text:
        return Example("ntp", "file", "", text, "")
    hole = syntax_hole(text, language, rng, settings.holes) if objective == "sfim" else None
    if hole is not None:
        return Example("sfim", hole.kind, text[: hole.start], text[hole.start : hole.end], text[hole.end :])
    first, last = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))  # PAPER.md section 2: finetune.py
    return Example("fim", "random", text[:first], text[first:last], text[last:])
