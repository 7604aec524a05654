"""What a filter says of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from midfill_training.corpus.documents import SourceFile


@dataclass(frozen=True)
class Verdict:
    """`file` goes on to the next stage, perhaps changed; None drops it. `findings` counts what was found, by rule.

    `reason` says in words why a file was dropped or changed; empty where it passed as it was.
    """

    file: SourceFile | None
    reason: str = ""
    findings: Mapping[str, int] = field(default_factory=dict)


# Judges files of one project and gives one verdict for each, in their order. Filters are picklable: executors send
# them to other processes and machines.
Filter = Callable[[Sequence[SourceFile]], Iterable[Verdict]]
