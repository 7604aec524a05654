"""`log.jsonl`: one JSON object a line, for curves and for people with `tail -f`.

{"step": 20, "tokens": 2621440, "loss": 2.31, "lr": 0.0004, "grad_norm": 0.71, "tokens_per_s": 371000.0, ...}
{"step": 20, "tokens": 2621440, "valid": {"ntp": 1.71, "sfim": 1.12}, "valid_loss": 1.4, "exact_match": 0.31, ...}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from midfill_training.output import replacing

FILE_NAME = "log.jsonl"


class Journal:
    """The log of a run. A run that goes on from a checkpoint loses the lines written after it."""

    def __init__(self, run: Path, step: int) -> None:
        self._path = run / FILE_NAME
        kept = [line for line in read_journal(run) if line["step"] <= step] if step else []
        with replacing(self._path) as draft:
            draft.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def write(self, line: dict[str, Any]) -> None:
        """Add a line; it is on the disk when this returns."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


def before_and_after(run: Path) -> list[dict[str, Any]]:
    """The evaluation before the first step and the best one since, as far as there are any."""
    found = [line for line in read_journal(run) if "valid_loss" in line]
    return [*found[:1], *sorted(found[1:], key=lambda line: line["valid_loss"])[:1]]


def read_journal(run: Path) -> list[dict[str, Any]]:
    """The lines of a log; one that a killed run left half written is left out."""
    try:
        lines = (run / FILE_NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("}")]
