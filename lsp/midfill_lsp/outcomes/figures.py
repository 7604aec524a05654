"""What the counted suggestions say: figures of each language and model by week."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from midfill_lsp.outcomes.statistics import WAIT_STEPS_MS, WeekCounts, read_statistics, wait_name


class FiguresError(Exception):
    """The statistics cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """The figures of one language and model in one week; shares are of 1.

    `n_answers` counts requests, of which `n_suggestions` had something to show; `reused` is the share of these without
    a new request to the model. `n_shown` counts what stood there for 750 ms or was accepted; of `n_accepted` something
    was accepted: all of it, or lines or words, one after the other. Waiting times are those of suggestions, rounded up
    by at most 19 percent. A share is `None` where there is nothing to take it of.
    """

    week: str
    language: str
    model: str
    n_answers: int
    n_suggestions: int
    reused: float | None
    n_shown: int
    shown_characters: int
    n_accepted: int
    n_accepted_whole: int
    n_accepted_line: int
    n_accepted_word: int
    accepted_characters: int
    kept_30s: float | None
    kept_120s: float | None
    kept_300s: float | None
    wait_p50_ms: int | None
    wait_p95_ms: int | None


def read_figures(path: Path) -> list[Row]:
    """The figures of all statistics in a file. Raises FiguresError."""
    try:
        return [_row_of(found) for found in read_statistics(path)]
    except (sqlite3.Error, OSError) as error:
        advice = "if the file is damaged, delete it, and counting begins anew"
        raise FiguresError(f"{path}: {error}; {advice}") from error


def _row_of(found: WeekCounts) -> Row:
    """The figures of one group and week."""
    counts = found.counts
    return Row(
        week=found.week,
        language=found.group.language,
        model=found.group.model,
        n_answers=counts["answers"],
        n_suggestions=counts["suggestions"],
        reused=_share(counts["reused"], counts["suggestions"]),
        n_shown=counts["shown"],
        shown_characters=counts["shown_characters"],
        n_accepted=counts["accepted"],
        n_accepted_whole=counts["accepted_whole"],
        n_accepted_line=counts["accepted_line"],
        n_accepted_word=counts["accepted_word"],
        accepted_characters=counts["accepted_characters"],
        kept_30s=_share(counts["kept_characters_30s"], counts["checked_characters_30s"]),
        kept_120s=_share(counts["kept_characters_120s"], counts["checked_characters_120s"]),
        kept_300s=_share(counts["kept_characters_300s"], counts["checked_characters_300s"]),
        wait_p50_ms=_wait_ms(counts, 0.50),
        wait_p95_ms=_wait_ms(counts, 0.95),
    )


def _share(n: int, of: int) -> float | None:
    return round(n / of, 4) if of else None


def _wait_ms(counts: Counter[str], share: float) -> int | None:
    """The step of waiting time that this share of the suggestions kept within."""
    n_left = share * sum(counts[wait_name(step)] for step in WAIT_STEPS_MS)
    for step in WAIT_STEPS_MS if n_left else ():
        n_left -= counts[wait_name(step)]
        if n_left <= 0:
            return step
    return None
