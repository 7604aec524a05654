"""Order by path: a random walk over the folder tree that leaves a folder when it has seen all of it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from midfill_training.corpus.documents import SourceFile


def order(files: Sequence[SourceFile], rng: random.Random) -> list[SourceFile]:
    """Files of one folder and all below it stand together; folders and files of one parent come in random order."""
    ranks: dict[str, float] = defaultdict(rng.random)

    def walk(file: SourceFile) -> list[float]:
        """The random ranks of the folders down to the file: sorting by them is a depth-first walk."""
        return [ranks[folder] for folder in accumulate(file.path.split("/"), "{}/{}".format)]

    return sorted(files, key=walk)
