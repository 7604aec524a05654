"""Which project is better: by stars, commits and test files (PAPER.md section 1, step 2).

The paper's formula is not published. Here the score is the mean of a project's ranks, from 0 to 1, by each count that
is known: ranks make three counts of different scale comparable without weights, and an unknown count neither helps
nor harms.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from midfill_training.corpus.members import Origin
from midfill_training.corpus.records import Decisions, Record
from midfill_training.errors import BadInput


def scores(records: Sequence[Record]) -> dict[str, float]:
    """The score of each project by its key, from 0 to 1; equal counts rank equal."""
    ranks: dict[str, list[float]] = {record.key: [] for record in records}
    for counts in (
        {record.key: record.origin.stars for record in records},
        {record.key: record.origin.commits for record in records},
        {record.key: record.n_tests for record in records},
    ):
        known = sorted(count for count in counts.values() if count is not None)
        for key, count in counts.items():
            if count is not None:
                ranks[key].append((bisect_left(known, count) + bisect_right(known, count)) / (2 * len(known)))
    return {key: sum(each) / len(each) for key, each in ranks.items()}


def best_first(records: Sequence[Record]) -> list[Record]:
    """The order in which projects are preferred wherever two hold the same: by score, then the larger one, which is
    the whole rather than a part, then by name, so that all runs agree."""
    score = scores(records)
    return sorted(records, key=lambda record: (-score[record.key], -len(record.files), record.key))


def drop_lowest(records: Sequence[Record], share: float, decisions: Decisions) -> None:
    """Drop the projects with the lowest scores, at most this share of them, and none that ties with one that stays."""
    score = scores(records)
    lowest = sorted(score.values())
    if not lowest:
        return
    cut = lowest[min(int(share * len(lowest)), len(lowest) - 1)]
    for key, value in score.items():
        if value < cut:
            decisions.projects[key] = "ranking", f"low rank: score {value:.3f}, {cut:.3f} stays"


def read_ranking(path: Path) -> Mapping[str, Origin]:
    """Stars and commits by the name of a project: a CSV file with the columns `name`, `stars` and `commits`, or a JSON
    object of objects by name. Empty means unknown. BadInput."""
    try:
        rows = _rows(path)
        return {name: Origin(name, "", _count(row.get("stars")), _count(row.get("commits"))) for name, row in rows}
    except (OSError, ValueError, TypeError, AttributeError, KeyError, csv.Error) as error:
        raise BadInput(f"{path}: is no ranking, CSV with name,stars,commits or JSON by name: {error}") from error


def _rows(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if path.suffix.lower() == ".json":
            return list(json.load(stream).items())
        return [(row["name"], row) for row in csv.DictReader(stream)]


def _count(stated: object) -> int | None:
    return None if stated is None or stated == "" else int(str(stated))


def with_ranking(records: Iterable[Record], ranking: Mapping[str, Origin]) -> list[Record]:
    """Records with the counts of a ranking where it has them. A project is found by its name, with or without its
    version, or without its owner."""
    return [replace(record, origin=_completed(record.origin, ranking)) for record in records]


def _completed(origin: Origin, ranking: Mapping[str, Origin]) -> Origin:
    names = (origin.name, origin.name.rpartition("-")[0], origin.name.rpartition("/")[2])
    known = next((ranking[name] for name in names if name in ranking), None)
    if known is None:
        return origin
    stars, commits = known.stars, known.commits
    return replace(
        origin,
        stars=origin.stars if stars is None else stars,
        commits=origin.commits if commits is None else commits,
    )
