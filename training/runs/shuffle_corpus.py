"""A corpus without its projects: every file stands alone, in an order that says nothing. The control of `ablation.sh`.

Usage: shuffle_corpus.py CORPUS OUT CONFIG.toml. What the table [packing] of CONFIG holds out is left out, so that
packing OUT with `--holdout none` trains on the very files that packing CORPUS trains on.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from midfill_training.corpus.documents import SourceFile, read_projects, shards, write_shard
from midfill_training.packing.holdout import held_out_paths
from midfill_training.packing.settings import PackingSettings
from midfill_training.settings import read_settings


def shuffle(corpus: Path, out: Path, packing: PackingSettings) -> None:
    """Write as many shards as there were. Holds the corpus in memory."""
    files: list[SourceFile] = []
    for project in read_projects(corpus):
        held = held_out_paths(project, packing)
        files += (file for file in project.files if file.path not in held)
    random.Random(packing.seed).shuffle(files)
    alone = [replace(file, project=f"{number}/{file.project}") for number, file in enumerate(files)]
    n_shards = len(shards(corpus))
    out.mkdir(parents=True, exist_ok=True)
    for number in range(n_shards):
        write_shard(out, number, alone[number::n_shards])


if __name__ == "__main__":
    shuffle(Path(sys.argv[1]), Path(sys.argv[2]), read_settings(Path(sys.argv[3]), "packing", PackingSettings))
