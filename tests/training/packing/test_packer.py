"""Documents in rows: complete, whole where they have a hole, with the right loss, groups and snippets."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from midfill_context.cursor import Chunk, Snippet
from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.errors import BadInput
from midfill_training.objectives.encoding import encode
from midfill_training.objectives.examples import OBJECTIVES
from midfill_training.objectives.sampling import ObjectiveSettings, choose_example
from midfill_training.packing.document import DocumentWriter
from midfill_training.packing.packer import Recipe, pack_projects
from midfill_training.packing.rows import Row
from midfill_training.packing.settings import PackingSettings
from midfill_training.packing.tally import Tally
from midfill_training.tokenizer.vocabulary import load_vocabulary
from training import checkpoints
from training.packing import standard_library

END, PREFIX, SUFFIX, MIDDLE, FILE = checkpoints.STARCODER_MARKERS
NTP, HOLES = ObjectiveSettings(ntp=1, fim=0, sfim=0), ObjectiveSettings(ntp=0, fim=0.3, sfim=0.7)


def recipe(length: int = 512, objectives: ObjectiveSettings = HOLES, **packing: object) -> Recipe:
    return Recipe(objectives=objectives, packing=PackingSettings(length=length, holdout="none", **packing))  # type: ignore[arg-type]


def packed(
    recipe: Recipe, vocabulary: Vocabulary, projects: Sequence[Project] | None = None, pass_number: int = 0
) -> tuple[list[Row], Tally]:
    tally = Tally()
    chosen = standard_library.projects()[2:5] if projects is None else projects
    return list(pack_projects(chosen, "train", pass_number, recipe, vocabulary, tally)), tally


def documents(rows: Sequence[Row], vocabulary: Vocabulary) -> list[list[int]]:
    """The tokens of all rows, cut behind each end."""
    tokens = [token for row in rows for token, group in zip(row.tokens.tolist(), row.group, strict=True) if group]
    found: list[list[int]] = [[]]
    for token in tokens:
        found[-1].append(token)
        if token == vocabulary.ids[END]:
            found.append([])
    return [each for each in found if each]


def text_of(tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    return b"".join(vocabulary.pieces[token] or vocabulary.text(token).encode() for token in tokens).decode()


def test_files_without_holes_follow_each_other_over_the_ends_of_rows(vocabulary: Vocabulary) -> None:
    rows, tally = packed(recipe(objectives=NTP, path_dropout=0.0), vocabulary)
    texts = Counter(text_of(each, vocabulary) for each in documents(rows, vocabulary))
    files = [file for project in standard_library.projects()[2:5] for file in project.files]
    assert texts == Counter(f"{FILE}{file.path}\n{file.text}{END}" for file in files if file.text)
    assert all((row.group != 0).all() for row in rows[:-1])
    assert all((row.loss == (row.group != 0)).all() for row in rows)
    assert tally.left_out == {"files without text": sum(not file.text for file in files)}


@pytest.mark.parametrize("length", [128, 512, 4096])
def test_files_with_holes_are_whole_in_their_row_and_none_is_lost(vocabulary: Vocabulary, length: int) -> None:
    rows, tally = packed(recipe(length, context_share=0.0, path_dropout=0.0), vocabulary)
    restored: dict[str, str] = {}
    for row in rows:
        kept = row.tokens[row.group != 0].tolist()
        assert vocabulary.text(kept[0]) == FILE
        assert vocabulary.text(kept[-1]) == END
        for document in documents([row], vocabulary):
            path, text = restore(text_of(document, vocabulary))
            restored[path] = restored.get(path, "") + text
    for project in standard_library.projects()[2:5]:
        for file in project.files:
            assert restored.get(file.path, "").endswith(file.text)
    assert tally.documents_by_kind.total() == sum(len(documents([row], vocabulary)) for row in rows)


def restore(text: str) -> tuple[str, str]:
    """Path and text of a document of midfill's format, in either order."""
    path, _, rest = text.removeprefix(FILE).removesuffix(END).partition(f"\n{PREFIX}")
    before, _, after = rest.partition(MIDDLE)
    if before.startswith(SUFFIX):
        return path, after + before.removeprefix(SUFFIX)
    prefix, _, suffix = before.partition(SUFFIX)
    return path, prefix + after + suffix


def test_little_is_filling(vocabulary: Vocabulary) -> None:
    rows, tally = packed(recipe(512), vocabulary)
    n_filler = sum(int((row.group == 0).sum()) for row in rows)
    assert n_filler == tally.totals["filler"]
    assert n_filler < 0.1 * 512 * len(rows)
    assert all(not row.loss[row.group == 0].any() for row in rows)
    n_places = 512 * len(rows)
    assert tally.totals["tokens"] + n_filler == n_places
    assert tally.totals["loss"] == sum(int(row.loss.sum()) for row in rows)


@pytest.mark.parametrize("group", ["project", "document"])
def test_groups_keep_projects_or_documents_apart(vocabulary: Vocabulary, group: str) -> None:
    rows, _ = packed(recipe(2048, context_share=0.0, path_dropout=0.0, group=group), vocabulary)
    n_shared = 0
    for row in rows:
        numbers = [number for number, _ in groupby(row.group.tolist()) if number]
        assert numbers == list(range(1, len(numbers) + 1))
        for number in numbers:
            mine = documents([masked(row, row.group == number)], vocabulary)
            projects = {restore(text_of(each, vocabulary))[0].split("/")[0] for each in mine} - {"README.md"}
            assert len(projects) <= 1
            n_shared += len(mine) > 1
    assert (n_shared > 0) == (group == "project")


def masked(row: Row, chosen: np.ndarray) -> Row:
    return replace(row, group=np.where(chosen, row.group, 0))


@pytest.mark.parametrize("loss", ["all", "own", "middle"])
def test_what_the_loss_counts(vocabulary: Vocabulary, loss: str) -> None:
    rows, tally = packed(recipe(1024, loss=loss, context_share=1.0), vocabulary)
    assert tally.totals["snippets"] > 0.1 * tally.totals["tokens"]
    expected = {
        "all": tally.totals["tokens"],
        "own": tally.totals["tokens"] - tally.totals["snippets"],
        "middle": tally.written_tokens_by_kind.total(),
    }
    assert sum(int(row.loss.sum()) for row in rows) == expected[loss]
    if loss == "middle":
        for row in rows:
            ends = row.tokens == vocabulary.ids[END]
            assert row.loss[ends & (row.group != 0)].all()
            assert not row.loss[row.tokens == vocabulary.ids[MIDDLE]].any()
            assert not row.loss[row.tokens == vocabulary.ids[FILE]].any()


def test_objectives_by_token(vocabulary: Vocabulary) -> None:
    settings = ObjectiveSettings(ntp=0.3, fim=0.3, sfim=0.4)
    rows, tally = packed(recipe(1024, settings, context_share=0.0), vocabulary, standard_library.projects())
    counted = Counter(OBJECTIVES[number] for row in rows for number in row.objective[row.group != 0].tolist())
    assert counted == tally.tokens_by_objective
    assert min(counted.values()) > 0.15 * counted.total()


def test_snippets_stand_as_serving_has_them(vocabulary: Vocabulary) -> None:
    writer = DocumentWriter("midfill", vocabulary, "own", spm_share=0.5)
    chunks = [Chunk("a.py", 1, 2, "def a():\n    pass\n"), Chunk("b.py", 1, 1, "B = 1\n")]
    for seed in range(20):
        text = "import a\n\ndef c(x):\n    return a.a(x)\n"
        example = choose_example(text, "python", random.Random(seed), HOLES)
        document = writer.write(example, "c.py", chunks, random.Random(seed))
        spm = random.Random(seed).random() < 0.5
        snippets = [Snippet(chunk, 1.0, "") for chunk in chunks]
        served = encode(example, "c.py", writer.format, vocabulary, spm=spm, context=snippets, loss="middle")
        assert document.tokens == served.tokens
        assert document.n_written == sum(served.loss)
        assert not any(document.loss[: document.n_snippets])
        assert all(document.loss[document.n_snippets :])


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_paths_may_be_missing(vocabulary: Vocabulary, share: float) -> None:
    """A file has or lacks its path in all of its pieces: several passes, because a few files make most of these."""
    found = [
        document
        for number in range(6)
        for document in documents(
            packed(
                recipe(512, path_dropout=share, context_share=0.0),
                vocabulary,
                standard_library.projects(),
                pass_number=number,
            )[0],
            vocabulary,
        )
    ]
    n_missing = sum(text_of(each, vocabulary).startswith(f"{FILE}\n") for each in found)
    assert abs(n_missing / len(found) - share) < (0.15 if share else 1e-9)


def test_passes_draw_anew_and_again_the_same(vocabulary: Vocabulary) -> None:
    def tokens(pass_number: int) -> list[list[int]]:
        return [row.tokens.tolist() for row in packed(recipe(), vocabulary, pass_number=pass_number)[0]]

    assert tokens(0) == tokens(0)
    assert tokens(0) != tokens(1)


def test_a_giant_does_not_drown_the_others(vocabulary: Vocabulary) -> None:
    most, projects = 2000, standard_library.projects()[2:5]
    _, whole = packed(recipe(), vocabulary, projects)
    _, tally = packed(recipe(project_tokens=most), vocabulary, projects)
    longest = max(len(file.text) for project in projects for file in project.files)
    assert most * len(projects) <= tally.totals["tokens"] <= (most + longest) * len(projects)
    assert tally.totals["tokens"] < whole.totals["tokens"]
    n_files = sum(len(project.files) for project in projects)
    beyond = "files of projects that have had their share"
    assert tally.files.total() + tally.left_out["files without text"] + tally.left_out[beyond] == n_files


def test_odd_files(vocabulary: Vocabulary) -> None:
    files = (
        SourceFile("odd", "long" * 200 + ".py", "python", "x = 1\n"),
        SourceFile("odd", "line.json", "json", "[" + "1," * 30_000 + "1]"),
        SourceFile("odd", "blank.py", "python", " \n\n"),
        SourceFile("odd", "short.py", "python", "x"),
        SourceFile("odd", "emoji.md", "markdown", "🎉" * 2000),
        SourceFile("odd", "sentinels.py", "python", f"text = '{FILE}{MIDDLE}{END}'\n" * 40),
        SourceFile("odd", "surrogate.py", "python", "text = '\ud800'\n" * 40),
    )
    for length in (128, 1024):
        for seed in range(2):
            rows, tally = packed(recipe(length, seed=seed), vocabulary, [Project("odd", files)])
            assert tally.totals["documents"] >= 6
            assert tally.left_out["files without text"] == 1
            assert tally.left_out["paths that are too long for a row"] == 1
            assert all(len(row.tokens) == length for row in rows)


def test_the_paper_s_own_format(tmp_path: Path) -> None:
    from model import sentencepiece_model

    sentencepiece_model.train(tmp_path).rename(tmp_path / "tokenizer.model")
    vocabulary = load_vocabulary(tmp_path)
    rows, tally = packed(replace(recipe(1024), format="aixcoder"), vocabulary)
    assert tally.totals["documents_with_snippets"] > 0
    for row in rows:
        kept = row.tokens[row.group != 0].tolist()
        assert (vocabulary.text(kept[0]), vocabulary.text(kept[-1])) == ("<s>", "</s>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aixcoder", "the tokenizer has no"),
        ("starcoder2", "take midfill or aixcoder"),
        ("nonsense", "there is no prompt format"),
    ],
)
def test_formats_that_cannot_be_trained(vocabulary: Vocabulary, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        packed(replace(recipe(), format=name), vocabulary)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"length": 10}, "rows of 10 tokens"),
        ({"length": 2**20}, "rows of"),
        ({"passes": 0}, "0 passes"),
        ({"project_tokens": -1}, "project_tokens is -1"),
        ({"loss": "some"}, "there are all, own, middle"),
        ({"group": "row"}, "there are project, document"),
        ({"holdout": "lines"}, "there are projects, files, none"),
        ({"context_share": 1.5}, "context_share is 1.5"),
        ({"holdout_share": -0.1}, "holdout_share"),
        ({"min_room": float("nan")}, "min_room"),
    ],
)
def test_settings_that_make_no_sense(setting: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        PackingSettings(**setting)  # type: ignore[arg-type]
