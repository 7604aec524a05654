"""What stands in the corpus twice: forks, which share most of a better project's files, and files that are the same.

The copy that stays is the one in the better project: the likelier original, and the better company. Within a project
it is the first by path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from midfill_training.corpus.records import Decisions, Record

MAX_HOLDERS = 64  # projects remembered for one file; what more of them hold is boilerplate and tells no fork


def drop_forks(records: Sequence[Record], share: float, decisions: Decisions) -> None:
    """Drop projects of which this share of bytes lies in files of one better project. `records`: the best first."""
    holders: dict[str, list[str]] = {}
    for record in records:
        files = {file.sha256: file for file in decisions.remaining(record)}
        shared: Counter[str] = Counter()
        for sha256, file in files.items():
            for other in holders.get(sha256, ()):
                shared[other] += file.n_bytes
        n_bytes = sum(file.n_bytes for file in files.values())
        original, n_shared = min(shared.items(), key=lambda each: (-each[1], each[0]), default=("", 0))
        if n_shared and n_shared >= share * n_bytes:
            decisions.projects[record.key] = "forks", f"fork: {n_shared / n_bytes:.0%} of it is in {original}"
            continue
        for sha256 in files:
            held = holders.setdefault(sha256, [])
            if len(held) < MAX_HOLDERS:
                held.append(record.key)


def drop_copies(records: Sequence[Record], decisions: Decisions) -> None:
    """Drop files whose text another file has, character by character. `records`: the best first."""
    first: dict[str, str] = {}
    for record in records:
        for file in decisions.remaining(record):
            here = f"{record.key}/{file.path}"
            if (original := first.setdefault(file.sha256, here)) != here:
                decisions.drop_file(record, file, "exact", f"exact copy: of {original}")
