"""No order: files at random, so that a model does not come to expect related files in front."""

from __future__ import annotations

import random
from collections.abc import Sequence

from midfill_training.corpus.documents import SourceFile


def order(files: Sequence[SourceFile], rng: random.Random) -> list[SourceFile]:
    """Any order, each as likely as the others."""
    return rng.sample(files, len(files))
