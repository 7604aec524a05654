"""A planted set: exact copies, near-duplicates at known similarity, forks. Recall and precision are printed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from midfill_training.corpus import near
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.duplicates import drop_copies, drop_forks
from midfill_training.corpus.members import Origin
from midfill_training.corpus.records import Decisions, Record, record_of
from midfill_training.corpus.settings import NearSettings
from training.planted_projects import module, with_lines_changed

SETTINGS = NearSettings()


def python(text: str, path: str = "a.py", project: str = "p") -> SourceFile:
    return SourceFile(project, path, "python", text, "MIT")


def project(name: str, files: dict[str, str], n_before: int = 0) -> tuple[Record, list[SourceFile]]:
    found = [python(text, path, name) for path, text in sorted(files.items())]
    return record_of(0, name, Origin(name), found, n_before), found


def jaccard(one: str, other: str) -> float:
    runs = [set(near.runs(near.code_tokens(python(text)), SETTINGS.n_tokens).tolist()) for text in (one, other)]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def dropped_as_near(files: dict[str, str], folder: Path) -> set[str]:
    """All files in one project, through datatrove's signatures and buckets."""
    record, found = project("p", files)
    near.sign(found, folder / "signatures", 0, SETTINGS)
    for bucket in range(SETTINGS.n_buckets):
        near.find_pairs(folder / "signatures", folder / "pairs", bucket, SETTINGS)
    decisions = Decisions()
    near.drop_near([record], near.read_pairs(folder / "pairs"), decisions)
    return set(decisions.files.get("p", {}))


def report(what: str, found: set[str], planted: Iterable[str]) -> tuple[float, float]:
    expected = set(planted)
    recall = len(found & expected) / len(expected)
    precision = len(found & expected) / max(1, len(found))
    print(f"{what}: recall {recall:.3f}, precision {precision:.3f} of {len(expected)} planted")
    return recall, precision


def test_near_duplicates_by_similarity(tmp_path: Path) -> None:
    """Copies with ever more lines written anew: the closer, the surer they are found; strangers never are."""
    files: dict[str, str] = {}
    similarity: dict[str, float] = {}
    for seed in range(150):
        files[f"{seed:03}-0.py"] = original = module(seed, 12)
        files[f"{seed:03}-1.py"] = copy = with_lines_changed(original, (0.01, 0.03, 0.05, 0.10, 0.25)[seed % 5], seed)
        similarity[f"{seed:03}-1.py"] = jaccard(original, copy)
    found = dropped_as_near(files, tmp_path)
    print()
    for low, high in ((0.9, 1.0), (0.8, 0.9), (0.7, 0.8), (0.5, 0.7), (0.0, 0.5)):
        band = [path for path, value in similarity.items() if low <= value < high]
        share = len(found & set(band)) / max(1, len(band))
        expected = np.mean([1 - (1 - similarity[path] ** 8) ** 14 for path in band]) if band else 0
        print(f"similarity {low:.1f}-{high:.1f}: {len(band):3} pairs, found {share:.2f}, by theory {expected:.2f}")
        assert not band or abs(share - expected) < 0.25
    close = [path for path, value in similarity.items() if value >= 0.85]
    recall, _ = report("near-duplicates from 0.85", found, close)
    _, precision = report(
        "near-duplicates from 0.5", found, [path for path, value in similarity.items() if value >= 0.5]
    )
    assert len(close) >= 30
    assert recall >= 0.97
    assert precision >= 0.98


def test_comments_do_not_make_files_alike(tmp_path: Path) -> None:
    header = "".join(f"# line {n} of a long header\n" for n in range(60))
    files = {f"{seed}.py": header + module(seed, 1) for seed in range(20)}
    assert dropped_as_near(files, tmp_path) == set()


def test_only_comments_differ(tmp_path: Path) -> None:
    text = module(1)
    files = {"a.py": text, "b.py": "# another year\n" + text.replace("\n", "  # why\n", 3)}
    assert dropped_as_near(files, tmp_path) == {"b.py"}


def test_short_files_are_left_alone(tmp_path: Path) -> None:
    assert dropped_as_near({"a.py": "x = 1\n", "b.py": "x = 1\n"}, tmp_path) == set()


def test_a_dropped_file_still_connects(tmp_path: Path) -> None:
    """What goes as an exact copy leaves its pairs behind: of the rest, one stays."""
    text = module(3)
    records, files = [], []
    for name, content in (("a", text), ("b", text), ("c", text + "x = 1\n")):
        record, found = project(name, {"f.py": content}, n_before=len(files))
        records.append(record)
        files += found
    near.sign(files, tmp_path / "signatures", 0, SETTINGS)
    for bucket in range(SETTINGS.n_buckets):
        near.find_pairs(tmp_path / "signatures", tmp_path / "pairs", bucket, SETTINGS)
    decisions = Decisions()
    drop_copies(records, decisions)
    near.drop_near(records, near.read_pairs(tmp_path / "pairs"), decisions)
    assert decisions.files == {
        "b": {"f.py": ("exact", "exact copy: of a/f.py")},
        "c": {"f.py": ("near", "near-duplicate: of a/f.py")},
    }


def test_exact_copies() -> None:
    chance = random.Random(0)
    texts = {f"{seed:03}.py": module(seed, 2) for seed in range(100)}
    planted = {f"copy{n:02}.py": texts[chance.choice(sorted(texts))] for n in range(30)}
    record, _ = project("p", texts | planted)
    decisions = Decisions()
    drop_copies([record], decisions)
    assert report("exact copies", set(decisions.files["p"]), planted) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("n_shared", "n_own", "is_fork"), [(10, 0, True), (9, 1, True), (6, 4, True), (4, 6, False), (1, 9, False)]
)
def test_forks(n_shared: int, n_own: int, is_fork: bool) -> None:
    """By bytes: the modules are of about one size."""
    files = {f"{n}.py": module(n) for n in range(10)}
    original, _ = project("original", files)
    fork, _ = project(
        "fork", dict(list(files.items())[:n_shared]) | {f"own{n}.py": module(1000 + n) for n in range(n_own)}
    )
    stranger, _ = project("stranger", {f"{n}.py": module(2000 + n) for n in range(10)})
    decisions = Decisions()
    drop_forks([original, fork, stranger], 0.5, decisions)
    assert set(decisions.projects) == ({"fork"} if is_fork else set())


def test_who_vendors_a_project_is_no_fork() -> None:
    small, _ = project("small", {"a.py": module(1)})
    large, _ = project("large", {"vendor/a.py": module(1), **{f"{n}.py": module(n) for n in range(2, 9)}})
    decisions = Decisions()
    drop_forks([small, large], 0.5, decisions)
    assert decisions.projects == {}
    drop_copies([small, large], decisions)
    assert set(decisions.files) == {"large"}


def test_runs_are_the_same_everywhere() -> None:
    """Signatures of one corpus are made on many machines."""
    assert near.runs(["a", "b", "c"], 2).tolist() == [607809312720278169, 8582050934645676003]
    assert len(near.runs(["a"] * 100, 5)) == 1
    assert len(near.runs(["a"] * 4, 5)) == 0
    assert near.code_tokens(python("x = f('a#b')  # c\n")) == ["x", "=", "f", "(", "'", "a"]
