"""What an objective makes of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Objective = Literal["ntp", "fim", "sfim"]
OBJECTIVES: tuple[Objective, ...] = ("ntp", "fim", "sfim")


@dataclass(frozen=True)
class Example:
    """A file with a hole: `prefix + middle + suffix` is the file, byte for byte.

    For NTP all of it is the middle. `kind` names what was cut out ("single_line", "block", "empty", ...) or how.
    """

    objective: Objective
    kind: str
    prefix: str
    middle: str
    suffix: str

    @property
    def text(self) -> str:
        """The file without its hole."""
        return self.prefix + self.middle + self.suffix
