"""What is kept out of training to judge it by: whole projects, or the later files of each."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Literal

from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.ordering import dependency
from midfill_training.packing.settings import PackingSettings

# "fim" is what is held out once more, with the loss on middles alone: for exact match.
Split = Literal["train", "valid", "fim"]


def is_held_out(project: str, share: float) -> bool:
    """By the hash of its name: the same projects for every seed, tokenizer and size of the corpus."""
    digest = hashlib.sha256(project.encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def held_out_paths(project: Project, settings: PackingSettings) -> frozenset[str]:
    """The files of a project that go to `valid`, for all passes."""
    held: Sequence[SourceFile] = ()
    if settings.holdout == "projects" and is_held_out(project.name, settings.holdout_share):
        held = project.files
    elif settings.holdout == "files":
        held = later_files(project, settings.holdout_share)
    return frozenset(file.path for file in held)


def later_files(project: Project, share: float) -> list[SourceFile]:
    """Files that build on the others: what somebody writes next who fine-tunes on a project as it stands today.

    At least one of two or more files, and never all of them.
    """
    n_held = min(max(round(len(project.files) * share), share > 0), len(project.files) - 1)
    ordered = dependency.order(project.files, random.Random(project.name))
    return ordered[len(ordered) - n_held :]
