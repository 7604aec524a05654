"""What `midfill doctor` found out about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found and, where it is not ok, what to do."""

    name: str
    status: Status
    detail: str
    advice: str = ""
