"""What is kept for validation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.packing.holdout import Split, held_out_paths, is_held_out, later_files
from midfill_training.packing.packer import Recipe, pack_projects
from midfill_training.packing.settings import PackingSettings
from midfill_training.packing.summary import row_text
from midfill_training.packing.tally import Tally


def project(name: str = "shop", n_files: int = 10) -> Project:
    """Each module imports the one before it."""
    texts = [f"import shop.m{i - 1}\n\ndef mark_{name}_{i}():\n    return {i}\n" for i in range(n_files)]
    return Project(name, tuple(SourceFile(name, f"shop/m{i}.py", "python", text) for i, text in enumerate(texts)))


def packed(projects: Sequence[Project], split: Split, settings: PackingSettings, vocabulary: Vocabulary) -> str:
    rows = pack_projects(projects, split, 0, Recipe(packing=settings), vocabulary, Tally())
    return "".join(row_text(row, vocabulary) for row in rows)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_projects_by_the_hash_of_their_name(share: float) -> None:
    held = {name for name in map(str, range(1000)) if is_held_out(name, share)}
    assert abs(len(held) / 1000 - share) < 0.05
    assert all(is_held_out(name, share) for name in map(str, range(1000)) if is_held_out(name, share / 2))


@pytest.mark.parametrize(
    ("n_files", "share", "expected"),
    [(10, 0.3, ["m7", "m8", "m9"]), (10, 0.001, ["m9"]), (3, 1.0, ["m1", "m2"]), (1, 0.5, []), (10, 0.0, [])],
)
def test_the_later_files_of_a_project(n_files: int, share: float, expected: list[str]) -> None:
    later = later_files(project(n_files=n_files), share)
    assert [file.path for file in later] == [f"shop/{name}.py" for name in expected]


def test_no_holdout() -> None:
    assert not held_out_paths(project(), PackingSettings(holdout="none", holdout_share=1.0))


def test_held_out_projects_are_in_valid_alone(vocabulary: Vocabulary) -> None:
    projects = [project(f"p{i}") for i in range(20)]
    settings = PackingSettings(length=256, holdout_share=0.3)
    train, valid = (packed(projects, split, settings, vocabulary) for split in ("train", "valid"))
    for each in projects:
        held = is_held_out(each.name, 0.3)
        assert (f"mark_{each.name}_" in train, f"mark_{each.name}_" in valid) == (not held, held)


def test_later_files_are_seen_in_valid_alone_with_the_others_as_snippets(vocabulary: Vocabulary) -> None:
    settings = PackingSettings(length=1024, holdout="files", holdout_share=0.2, context_share=1.0)
    train, valid = (packed([project()], split, settings, vocabulary) for split in ("train", "valid"))
    assert "mark_shop_7" in train
    assert "mark_shop_8" not in train
    assert "mark_shop_9" not in train
    counted = "".join(part for part in valid.split("--- group") if ", counted by the loss" in part)
    assert "mark_shop_8" in counted
    assert "mark_shop_7" not in counted
    assert "not counted by the loss" in valid
