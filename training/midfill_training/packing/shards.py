"""One shard of a corpus becomes rows in a folder of its own: the unit of work that processes share and a kill loses.

A unit is one split of one pass over one shard. Its folder counts as done when its record is there, which is written
last and says what the rows were made from.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import projects_in
from midfill_training.output import replacing
from midfill_training.packing.holdout import Split
from midfill_training.packing.packer import Recipe, pack_projects
from midfill_training.packing.rows import Row, open_rows, write_rows
from midfill_training.packing.tally import Tally

RECORD = "unit.json"


@dataclass(frozen=True)
class Unit:
    """What to pack, and where to; `key` stands for everything that its rows depend on."""

    shard: Path
    split: Split
    pass_number: int
    folder: Path
    key: str


@dataclass(frozen=True)
class Packed:
    """What a unit came to."""

    n_rows: int
    tally: Tally


def pack_unit(unit: Unit, recipe: Recipe, vocabulary: Vocabulary) -> Packed:
    """Write the rows of a unit and its record, unless they are there. Raises BadInput, OutputError."""
    done = read_record(unit)
    if done is not None:
        return done
    tally = Tally()
    started = time.process_time()
    rows = pack_projects(projects_in(unit.shard), unit.split, unit.pass_number, recipe, vocabulary, tally)
    n_rows = write_rows(unit.folder, rows, recipe.packing.length, len(vocabulary.pieces))
    tally.totals["milliseconds"] = int(1000 * (time.process_time() - started))
    with replacing(unit.folder / RECORD) as draft:
        draft.write_text(json.dumps({"key": unit.key, "n_rows": n_rows, "tally": vars(tally)}), encoding="utf-8")
    return Packed(n_rows, tally)


def read_record(unit: Unit) -> Packed | None:
    """What is on record of a unit; None where it is not done, or was made from something else."""
    try:
        record = json.loads((unit.folder / RECORD).read_text(encoding="utf-8"))
        tally = Tally(**{each.name: Counter(record["tally"][each.name]) for each in fields(Tally)})
        return Packed(record["n_rows"], tally) if record["key"] == unit.key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def unit_rows(unit: Unit) -> Iterator[Row]:
    """The rows that a unit has written; BadInput where it has none."""
    rows = open_rows(unit.folder)
    yield from map(rows.row, range(len(rows)))
