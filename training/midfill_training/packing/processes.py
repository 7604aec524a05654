"""Packs units in several processes. What comes out does not depend on how many there are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.errors import TrainingError
from midfill_training.packing.packer import Recipe
from midfill_training.packing.shards import Packed, Unit, pack_unit
from midfill_training.tokenizer.vocabulary import load_vocabulary

_of_this_process: list[Vocabulary] = []


def pack_units(
    units: Sequence[Unit], recipe: Recipe, tokenizer: Path, n_workers: int
) -> Generator[tuple[Unit, Packed], None, None]:
    """Each unit when it is done, in any order. Raises the TrainingError of the first that fails."""
    if n_workers == 1 or len(units) == 1:
        vocabulary = load_vocabulary(tokenizer)
        yield from ((unit, pack_unit(unit, recipe, vocabulary)) for unit in units)
        return
    others = set(active_children())
    # spawn: a forked child would inherit the locks of tokenizers' and BLAS' threads
    pool = ProcessPoolExecutor(
        min(n_workers, len(units)), get_context("spawn"), initializer=_begin, initargs=(tokenizer,)
    )
    try:
        futures = {pool.submit(_pack, unit, recipe): unit for unit in units}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException as error:
        for child in set(active_children()) - others:  # a pool that breaks while it starts overlooks its last worker
            child.terminate()
        if not isinstance(error, BrokenProcessPool):
            raise
        raise TrainingError(
            "a process that packed a shard was killed, most likely for its memory; run again with fewer --workers. "
            "The shards that are done are kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(tokenizer: Path) -> None:
    """Ctrl-C is the parent's affair; a parent that was killed takes its children along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _of_this_process.append(load_vocabulary(tokenizer))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _pack(unit: Unit, recipe: Recipe) -> Packed:
    return pack_unit(unit, recipe, _of_this_process[0])
