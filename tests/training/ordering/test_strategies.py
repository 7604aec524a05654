"""The order of a project's files: nothing is lost, related files stand together, and draws belong to the project."""

from __future__ import annotations

import random
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest

from midfill_context.languages import language_of
from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.errors import BadInput
from midfill_training.ordering import content, path
from midfill_training.ordering.dependency import dependencies_first
from midfill_training.ordering.strategies import STRATEGIES, OrderingSettings, order_project

INVENTORY = Path(__file__).parents[3] / "examples" / "inventory"


def source(path: str, text: str = "") -> SourceFile:
    language = language_of(path)
    return SourceFile("project", path, language.id if language else "", text or f"# {path}\n")


def python_package(n_files: int) -> list[SourceFile]:
    """Modules in three folders, each about a subject of its own and importing the one before it."""
    subjects = ("invoice payment currency", "socket packet address", "pixel colour canvas")
    return [
        source(
            f"src/part{i % 3}/module{i}.py",
            f"import src.part{(i - 1) % 3}.module{i - 1}\n"
            + "".join(
                f"def {word}_{verb}({word}): return {word}\n" for word in subjects[i % 3].split() for verb in "abcd"
            ),
        )
        for i in range(n_files)
    ]


@pytest.mark.parametrize("n_files", [0, 1, 2, 15, 60])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_order_is_a_permutation_that_the_seed_decides(strategy: str, n_files: int) -> None:
    files = python_package(n_files)
    orders = [STRATEGIES[strategy](files, random.Random(seed)) for seed in (1, 1, 2, 3)]
    assert all(Counter(order) == Counter(files) for order in orders)
    assert orders[0] == orders[1]
    assert n_files < 15 or any(order != orders[0] for order in orders) or strategy == "dependency"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "files",
    [
        [source("same.py", "x = 1\n")] * 1 + [SourceFile("project", "same.py", "python", "x = 1\n") for _ in range(40)],
        [source(f"{i}.md", "\n") for i in range(40)],
        [source("/".join("d" * depth) + "/f.py", "x") for depth in range(1, 1500, 100)],
    ],
    ids=["one file many times", "no identifiers", "deep folders"],
)
def test_odd_projects_keep_their_files(strategy: str, files: list[SourceFile]) -> None:
    assert Counter(STRATEGIES[strategy](files, random.Random(0))) == Counter(files)


def test_content_puts_files_of_one_subject_together() -> None:
    ordered = content.order(python_package(60), random.Random(0))
    runs = [len(list(run)) for _, run in groupby(file.path.split("/")[1] for file in ordered)]
    assert max(runs) >= 15
    assert len(runs) <= 8  # of 60; at random there are 40


def test_path_leaves_a_folder_when_it_has_seen_all_of_it() -> None:
    files = [source(f"{a}/{b}/{c}.py") for a in "abc" for b in "def" for c in "ghi"]
    files += [source(f"{a}/{b}.py") for a in "abc" for b in "xyz"]
    for seed in range(5):
        ordered = [file.path for file in path.order(files, random.Random(seed))]
        for depth, n_folders in ((1, 3), (2, 9)):
            folders = [p.split("/")[:depth] for p in ordered if p.count("/") >= depth]
            assert len(list(groupby(folders))) == n_folders


@pytest.mark.parametrize(
    ("imports", "before"),
    [
        ({"a": {"b"}, "b": {"c"}}, [("c", "b"), ("b", "a")]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}, [("d", "b"), ("d", "c"), ("b", "a"), ("c", "a")]),
        ({"a": {"b"}, "b": {"a"}, "c": {"a"}, "b2": {"c"}}, [("a", "c"), ("b", "c")]),
        ({"a": {"a", "elsewhere"}, "d": {"a"}}, [("a", "d")]),
        ({}, []),
    ],
    ids=["chain", "diamond", "cycle", "itself and unknown", "no imports"],
)
@pytest.mark.parametrize("seed", range(5))
def test_dependencies_come_first(imports: dict[str, set[str]], before: list[tuple[str, str]], seed: int) -> None:
    files = [source(path) for path in "abcd"]
    ordered = [file.path for file in dependencies_first(files, imports, random.Random(seed))]
    assert sorted(ordered) == list("abcd")
    assert all(ordered.index(first) < ordered.index(second) for first, second in before)


def test_a_file_stands_next_to_what_it_imports() -> None:
    files = [source(f"{kind}{i}") for kind in ("base", "user") for i in range(50)]
    imports = {f"user{i}": {f"base{i}"} for i in range(50)}
    ordered = [file.path for file in dependencies_first(files, imports, random.Random(0))]
    distances = [ordered.index(f"user{i}") - ordered.index(f"base{i}") for i in range(50)]
    assert min(distances) > 0
    assert sum(distance == 1 for distance in distances) >= 20  # the rest met their base on the way, as a start


def test_imports_of_any_depth_and_any_order_of_sets() -> None:
    files = [source(str(i)) for i in range(5000)]
    imports = {str(i): {str(i + 1)} for i in range(5000)}
    ordered = dependencies_first(files, imports, random.Random(0))
    assert [file.path for file in ordered] == [str(i) for i in reversed(range(5000))]


def test_the_example_project_in_the_order_of_its_imports() -> None:
    suffixes = {".py", ".ts", ".json", ".toml"}
    paths = [path for path in sorted(INVENTORY.rglob("*")) if path.suffix in suffixes]
    files = [source(path.relative_to(INVENTORY).as_posix(), path.read_text()) for path in paths]
    ordered = [file.path for file in STRATEGIES["dependency"](files, random.Random(3))]
    for first, second in (
        ("inventory/money.py", "inventory/models.py"),
        ("inventory/models.py", "inventory/store.py"),
        ("inventory/store.py", "tests/test_store.py"),
        ("web/src/types.ts", "web/src/client.ts"),
    ):
        assert ordered.index(first) < ordered.index(second), (first, second)


@pytest.mark.parametrize(
    "files",
    [
        {"app/main.py": "from app.base import thing\n", "app/base.py": "thing = 1\n", "app/__init__.py": ""},
        {"src/main.ts": 'import { thing } from "./base";\n', "src/base.ts": "export const thing = 1;\n"},
        {
            "src/shop/ui/Main.java": "package shop.ui;\nimport shop.core.Base;\nclass Main { Base base; }\n",
            "src/shop/core/Base.java": "package shop.core;\npublic class Base {}\n",
        },
    ],
    ids=["python", "typescript", "java"],
)
@pytest.mark.parametrize("seed", range(4))
def test_imports_of_real_files(files: dict[str, str], seed: int) -> None:
    ordered = STRATEGIES["dependency"]([source(path, text) for path, text in files.items()], random.Random(seed))
    main, base = list(files)[:2]
    paths = [file.path for file in ordered]
    assert paths.index(base) < paths.index(main)


def test_a_project_is_ordered_whatever_the_others_are() -> None:
    settings = OrderingSettings()
    names = [f"project{i}" for i in range(200)]
    ordered = {name: order_project(Project(name, tuple(python_package(5))), settings, "7") for name in names}
    again = order_project(Project("project9", tuple(python_package(5))), settings, "7")
    assert again == ordered["project9"]
    drawn = Counter(each.strategy for each in ordered.values())
    assert set(drawn) == set(STRATEGIES)
    assert 40 <= drawn["path"] <= 80  # 30% of 200, within three standard deviations
    assert ordered != {name: order_project(Project(name, tuple(python_package(5))), settings, "8") for name in names}


@pytest.mark.parametrize("shares", [(0, 0, 0, 0), (1, -1, 0, 0), (float("nan"), 1, 0, 0), (float("inf"), 0, 0, 0)])
def test_shares_that_cannot_be_drawn_from_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="shares"):
        OrderingSettings(*shares)
