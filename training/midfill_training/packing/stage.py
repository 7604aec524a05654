"""The stage `pack`: a corpus becomes rows of tokens in `train/`, `valid/` and `fim/`.

Shards are packed one by one in `.work`, where a run that was killed finds them again, then joined in their order; the
manifest is written last.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import shards
from midfill_training.errors import BadInput, OutputError
from midfill_training.output import check_space
from midfill_training.packing.document import trained_format
from midfill_training.packing.holdout import Split
from midfill_training.packing.packer import Recipe
from midfill_training.packing.processes import pack_units
from midfill_training.packing.rows import write_rows
from midfill_training.packing.shards import Packed, Unit, unit_rows
from midfill_training.packing.summary import Summary, write_report
from midfill_training.packing.tally import Tally
from midfill_training.report.manifest import FILE_NAME, Manifest, read_manifest, sha256, write_manifest
from midfill_training.tokenizer.vocabulary import load_vocabulary

STAGE = "pack"
WORK = ".work"
REPORT = "report.html"
SPLITS: tuple[Split, ...] = ("train", "valid", "fim")


@dataclass(frozen=True)
class PackOptions:
    """How to run; none of it changes the rows."""

    n_workers: int = 0  # as many as there are processors
    force: bool = False
    progress: bool | None = False  # None: on a terminal


@dataclass(frozen=True)
class _Job:
    """What makes these very rows."""

    shards: tuple[Path, ...]
    tokenizer: Path
    vocabulary: Vocabulary
    recipe: Recipe
    out: Path
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]

    def units(self, split: Split) -> list[Unit]:
        """In the order of the rows: pass after pass. What is held out is packed once, to be the same for all passes."""
        packing = self.recipe.packing
        n_passes = packing.passes if split == "train" else int(packing.holdout != "none")
        return [self._unit(split, number, shard) for number in range(n_passes) for shard in self.shards]

    def _unit(self, split: Split, pass_number: int, shard: Path) -> Unit:
        made_from = [self.inputs["tokenizer"], self.inputs[shard.name], self.settings, split, pass_number]
        key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
        name = shard.name.partition(".")[0]
        return Unit(shard, split, pass_number, self.out / WORK / f"{split}-{pass_number}-{name}", key)


def pack(corpus: Path, out: Path, tokenizer: Path, recipe: Recipe, options: PackOptions | None = None) -> Manifest:
    """Make rows of a corpus in the folder `out`; go on with a run that was interrupted, and do nothing where the same
    rows are there already. Raises TrainingErrors."""
    from filelock import FileLock, Timeout

    options = options or PackOptions()
    job = _job(corpus, out, tokenizer, recipe)
    finished = _finished(job, force=options.force)
    if finished is None:
        try:
            (out / WORK).mkdir(parents=True, exist_ok=True)
            with FileLock(out / WORK / "lock", timeout=0):
                finished = _run(job, options)
        except Timeout as error:
            raise OutputError(f"{out}: another run is at work there; wait for it, or stop it") from error
        except OSError as error:
            raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    shutil.rmtree(out / WORK, ignore_errors=True)
    return finished


def _job(corpus: Path, out: Path, tokenizer: Path, recipe: Recipe) -> _Job:
    """Everything that can be wrong before the work begins comes out here."""
    found = tuple(shards(corpus))
    vocabulary = load_vocabulary(tokenizer)
    layout = trained_format(recipe.format, vocabulary)
    inputs = {"tokenizer": sha256(tokenizer)} | {shard.name: sha256(shard) for shard in found}
    settings = json.loads(json.dumps({**asdict(recipe), "layout": asdict(layout)}))
    return _Job(found, tokenizer, vocabulary, recipe, out, inputs, settings)


def _finished(job: _Job, *, force: bool) -> Manifest | None:
    """The manifest of these very rows; None where they are still to be made, or made again."""
    nearest = next(path for path in (job.out, *job.out.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"{nearest}: is a file; name a folder to write")
    manifest = read_manifest(job.out) if not force else None
    if manifest is None and not force and not (job.out / WORK).exists() and _arrays(job.out):
        raise OutputError(f"{job.out}: holds rows that nothing vouches for; choose another folder, or --force")
    if manifest is None or manifest.is_of(STAGE, job.inputs, job.settings):
        return manifest
    raise OutputError(f"{job.out}: holds rows of another corpus or settings; choose another folder, or --force")


def _run(job: _Job, options: PackOptions) -> Manifest:
    """Pack what is not packed yet, join it, and say what it is."""
    packed = _packed(job, options)
    _clear(job.out)
    summaries = [_join(job, split, packed) for split in SPLITS]
    if not any(summary.n_rows for summary in summaries):
        left_out = sum((summary.tally.left_out for summary in summaries), Counter[str]())
        raise BadInput(f"no file of the corpus holds anything to train on: {dict(left_out) or 'it has no files'}")
    write_report(job.out / REPORT, summaries, job.settings, job.vocabulary)
    outputs = {path.relative_to(job.out).as_posix(): sha256(path) for path in _arrays(job.out)}
    counts: dict[str, Any] = {summary.split: summary.figures() for summary in summaries}
    manifest = Manifest(STAGE, job.inputs, job.settings, counts, outputs)
    write_manifest(job.out, manifest)
    return manifest


def _packed(job: _Job, options: PackOptions) -> dict[Unit, Packed]:
    """All units, with a bar over the bytes of their shards."""
    from tqdm import tqdm

    units = [unit for split in SPLITS for unit in job.units(split)]
    n_workers = options.n_workers or os.cpu_count() or 1
    n_bytes = sum(unit.shard.stat().st_size for unit in units)
    disable = None if options.progress is None else not options.progress
    packed = {}
    with (
        tqdm(total=n_bytes, desc="pack", unit="B", unit_scale=True, disable=disable) as bar,
        closing(pack_units(units, job.recipe, job.tokenizer, n_workers)) as done,
    ):
        for unit, each in done:
            packed[unit] = each
            bar.update(unit.shard.stat().st_size)
    return packed


def _clear(out: Path) -> None:
    """Remove what an earlier run made, and nothing else: the manifest first, which vouches for the rest."""
    for path in (out / FILE_NAME, out / REPORT, *_arrays(out)):
        path.unlink(missing_ok=True)


def _arrays(out: Path) -> list[Path]:
    return sorted(path for split in SPLITS for path in (out / split).glob("*.npy"))


def _join(job: _Job, split: Split, packed: Mapping[Unit, Packed]) -> Summary:
    """Write the rows of one split, if it has any."""
    units = job.units(split)
    tally = Tally()
    for unit in units:
        tally.add(packed[unit].tally)
    written = [unit for unit in units if packed[unit].n_rows]
    if written:
        n_bytes = sum(path.stat().st_size for unit in written for path in unit.folder.glob("*.npy"))
        check_space(job.out / split, n_bytes)
        rows = chain.from_iterable(unit_rows(unit) for unit in written)
        write_rows(job.out / split, rows, job.recipe.packing.length, len(job.vocabulary.pieces))
    return Summary(split, job.out / split, sum(packed[unit].n_rows for unit in units), job.recipe.packing.length, tally)
