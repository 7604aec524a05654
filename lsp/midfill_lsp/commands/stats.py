"""`midfill stats`: what became of the suggestions on this machine, by week, language and model. Nothing is sent."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers
    from midfill_lsp.statistics import WeekCounts

_HEAD = ("week", "language", "model", "shown", "accepted", "characters", "kept 30 s/2 min/5 min", "wait", "reused")


@dataclass(frozen=True)
class Row:
    """The figures of one language and model in one week, as `--json` prints them; shares are of 1.

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


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill stats`."""
    parser = subparsers.add_parser("stats", help="what became of suggestions; counted here, sent nowhere")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the statistics."""
    import sqlite3

    from midfill_lsp.statistics import read_statistics, statistics_path

    path = statistics_path()
    try:
        rows = [row_of(found) for found in read_statistics(path)]
    except (sqlite3.Error, OSError) as error:
        print(f"midfill: {path}: {error}; if the file is damaged, delete it, and counting begins anew", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    elif rows:
        _print_table([_HEAD, *map(_cells, rows)])
    else:
        print("nothing is counted yet")
    return 0


def row_of(found: WeekCounts) -> Row:
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
    from midfill_lsp.statistics import WAIT_STEPS_MS, wait_name

    n_left = share * sum(counts[wait_name(step)] for step in WAIT_STEPS_MS)
    for step in WAIT_STEPS_MS if n_left else ():
        n_left -= counts[wait_name(step)]
        if n_left <= 0:
            return step
    return None


def _cells(row: Row) -> tuple[str, ...]:
    kept = "/".join(_percent(share) for share in (row.kept_30s, row.kept_120s, row.kept_300s))
    waits = "–" if row.wait_p50_ms is None else f"p50 {row.wait_p50_ms} ms, p95 {row.wait_p95_ms} ms"
    how = f"{row.n_accepted_whole} whole, {row.n_accepted_line} lines, {row.n_accepted_word} words"
    characters = str(row.accepted_characters)
    place = (row.week, row.language, row.model)
    return (*place, str(row.n_shown), f"{row.n_accepted} ({how})", characters, kept, waits, _percent(row.reused))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
