"""The corpus stage from sources to shards: planted defects, resuming, executors, and what ends a run."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_training.corpus.documents import read_projects
from midfill_training.corpus.pipeline import CorpusOptions, make_corpus
from midfill_training.corpus.settings import CorpusSettings, LicenceSettings, NearSettings, RankingSettings, stage_plan
from midfill_training.errors import BadInput, OutputError
from training.planted_projects import GPL, module, with_lines_changed, write_project, write_tar, write_zip

# Stages of this part of the package; those of `filters` have tests of their own.
STAGES = ("licence", "ranking", "forks", "exact", "near")
NEAR = NearSettings(n_buckets=4, hashes_per_bucket=4)  # fewer tasks, and as sure for copies as close as these
SETTINGS = CorpusSettings(stages=STAGES, near=NEAR)
OPTIONS = CorpusOptions(n_tasks=3, n_workers=1)
N_PROJECTS = 12


def plant(root: Path) -> Path:
    """Projects of four modules each; then copyleft, no licence, a fork, copies, near-duplicates, a bad archive."""
    root.mkdir()
    for number in range(N_PROJECTS):
        files = {f"src/m{n}.py": module(100 * number + n) for n in range(4)} | {
            "tests/test_m.py": module(9000 + number)
        }
        write_project(root / f"good{number:02}", files)
    write_project(root / "aa_gpl", {f"{n}.py": module(3000 + n) for n in range(4)}, GPL)
    write_project(root / "aa_none", {f"{n}.py": module(4000 + n) for n in range(4)}, "")
    write_project(root / "zz_fork", {f"m{n}.py": module(n) for n in range(4)} | {"own.py": module(5000)})
    write_project(root / "zz_copies", {"copy.py": module(200)} | {f"{n}.py": module(6000 + n) for n in range(4)})
    write_project(
        root / "zz_near",
        {"near.py": with_lines_changed(module(300), 0.02, 1)} | {f"{n}.py": module(7000 + n) for n in range(4)},
    )
    write_tar(root / "worst.tar.gz", {"worst/only.py": module(8000), "worst/PKG-INFO": "License-Expression: MIT\n"})
    write_zip(root / "bad.zip", {"../out.py": "x = 1\n"})
    stars = {each.name: 50 if each.name.startswith("good") else 10 for each in root.iterdir()} | {"worst.tar.gz": 1}
    lines = (f'[[source]]\npath = "{name}"\nstars = {n}\n' for name, n in stars.items())
    (root / "sources.toml").write_text("".join(lines))
    return root / "sources.toml"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("sources") / "all")


@pytest.fixture(scope="module")
def reference(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reference") / "corpus"
    make_corpus([planted], out, SETTINGS, OPTIONS)
    return out


def shards_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.jsonl.gz"))}


def test_the_planted_set(planted: Path, reference: Path) -> None:
    kept = {project.name: {file.path for file in project.files} for project in read_projects(reference)}
    manifest = make_corpus([planted], reference, SETTINGS, OPTIONS)
    assert manifest
    stages = manifest.counts["stages"]
    whole = {f"good{number:02}" for number in range(N_PROJECTS)}
    found = {
        "licence": (stages["licence"]["files"], 8),
        "ranking": (stages["ranking"]["projects"], 1),
        "forks": (stages["forks"]["projects"], 1),
        "exact": (stages["exact"]["files"], 1),
        "near": (stages["near"]["files"], 1),
    }
    print()
    for stage, (n_dropped, n_planted) in found.items():
        print(f"{stage}: dropped {n_dropped}, planted {n_planted}")
        assert n_dropped == n_planted
    assert set(kept) == whole | {"zz_copies", "zz_near"} - {"aa_gpl", "aa_none", "zz_fork", "worst"}
    assert all(len(kept[name]) == 5 for name in whole)
    assert "copy.py" not in kept["zz_copies"]
    assert "near.py" not in kept["zz_near"]
    assert [Path(source).name for source in manifest.counts["refused"]] == ["bad.zip"]
    assert manifest.counts["kept"]["files"] == sum(map(len, kept.values()))


def test_the_report_shows_what_was_dropped(reference: Path) -> None:
    page = (reference / "report.html").read_text()
    for words in (
        "licence GPL-2.0-only",
        "no licence found",
        "near-duplicate: of",
        "fork: ",
        "bad.zip",
        "<svg",
        "MB/s",
    ):
        assert words in page
    assert not (reference / ".work").exists()


def test_workers_do_not_change_the_output(planted: Path, reference: Path, tmp_path: Path) -> None:
    make_corpus([planted], tmp_path / "out", SETTINGS, replace(OPTIONS, n_workers=2))
    assert shards_of(tmp_path / "out") == shards_of(reference)


def test_ray_gives_the_same(planted: Path, tmp_path: Path) -> None:
    """In a process of its own: Ray leaves threads and open files that pytest would mind."""
    pytest.importorskip("ray")
    few = replace(SETTINGS, near=NearSettings(n_buckets=2, hashes_per_bucket=4))  # a task under Ray costs seconds
    make_corpus([planted], tmp_path / "local", few, replace(OPTIONS, n_tasks=2))
    code = RUN.format(executor="ray", tasks=2, workers=2, buckets=2)
    done = subprocess.run(
        [sys.executable, "-c", code, str(planted), str(tmp_path / "ray")],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert shards_of(tmp_path / "ray") == shards_of(tmp_path / "local")


def test_run_again_does_nothing(planted: Path, reference: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in reference.iterdir()}
    assert make_corpus([planted], reference, SETTINGS, OPTIONS)
    assert {path: path.stat().st_mtime_ns for path in reference.iterdir()} == before


def test_other_settings_are_refused_or_forced(planted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make_corpus([planted], out, SETTINGS, OPTIONS)
    (out / "note.txt").write_text("not ours")
    other = replace(SETTINGS, stages=("licence",))
    with pytest.raises(OutputError, match="--force to replace it"):
        make_corpus([planted], out, other, OPTIONS)
    manifest = make_corpus([planted], out, other, replace(OPTIONS, force=True))
    assert manifest
    assert manifest.counts["kept"]["projects"] == N_PROJECTS + 4
    assert (out / "note.txt").exists()


def test_a_corpus_that_is_not_ours_stays(planted: Path, tmp_path: Path) -> None:
    (tmp_path / "00000.jsonl.gz").write_bytes(b"somebody's")
    with pytest.raises(OutputError, match="--force to start again"):
        make_corpus([planted], tmp_path, SETTINGS, OPTIONS)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        make_corpus([planted], tmp_path / "file", SETTINGS, OPTIONS)


RUN = (
    "import sys; from pathlib import Path\n"
    "from midfill_training.corpus.pipeline import *; from midfill_training.corpus.settings import *\n"
    f"settings = CorpusSettings(stages={STAGES!r}, near=NearSettings(n_buckets={{buckets}}, hashes_per_bucket=4))\n"
    "options = CorpusOptions(executor='{executor}', n_tasks={tasks}, n_workers={workers})\n"
    "make_corpus([Path(sys.argv[1])], Path(sys.argv[2]), settings, options)\n"
)


@pytest.mark.parametrize("marker", ["read/completions/00000", "gather/completions/00001", "near/completions/00002",
                                    "decide/completions/00000", "refine/completions/00001"])  # fmt: skip
def test_killed_and_started_again(marker: str, planted: Path, reference: Path, tmp_path: Path) -> None:
    """SIGKILL as soon as this task has ended, wherever the next one is by then."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(executor="local", tasks=3, workers=1, buckets=4), str(planted), str(out)],
        start_new_session=True,
    )
    while not (out / ".work" / "log" / marker).exists():
        assert process.poll() is None
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "manifest.json").exists()
    make_corpus([planted], out, SETTINGS, OPTIONS)
    assert shards_of(out) == shards_of(reference)


def test_two_runs_at_once(planted: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"), pytest.raises(OutputError, match="another run is at work"):
        make_corpus([planted], tmp_path, SETTINGS, OPTIONS)


@pytest.mark.parametrize("n_bytes", [100, 5_000])
def test_the_disk_fills_up(n_bytes: int, planted: Path, reference: Path, tmp_path: Path) -> None:
    """A real error of the system: the process may write no larger file. Afterwards the run goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        with pytest.raises(OutputError, match=r"disk is full|cannot be written"):
            make_corpus([planted], tmp_path / "out", SETTINGS, OPTIONS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "out").rglob("*.part"))
    make_corpus([planted], tmp_path / "out", SETTINGS, replace(OPTIONS, force=n_bytes < 1000))
    assert shards_of(tmp_path / "out") == shards_of(reference)


@pytest.mark.parametrize(
    ("files", "licence", "message"),
    [
        ({"a.py": "x = 1\n"}, GPL, "nothing is left of 1 files: stage 'licence' dropped 1, mostly for 'licence GPL"),
        ({"a.md": "x"}, "", "no file of code was found .1 of no wanted language."),
        ({}, "", "no file of code was found .the sources are empty."),
    ],
)
def test_nothing_is_left(files: dict[str, str], licence: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    write_project(tmp_path / "p", files, licence)
    with pytest.raises(BadInput, match=message):
        make_corpus([tmp_path / "p"], tmp_path / "out", SETTINGS, OPTIONS)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_only_bad_archives(tmp_path: Path) -> None:
    bad = write_zip(tmp_path / "bad.zip", {"../out.py": "x = 1\n"})
    with pytest.raises(BadInput, match=r"no source could be read; .*bad\.zip: refused"):
        make_corpus([bad], tmp_path / "out", SETTINGS, OPTIONS)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_strict(n_workers: int, planted: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"bad\.zip: refused"):
        make_corpus([planted], tmp_path / "out", SETTINGS, replace(OPTIONS, strict=True, n_workers=n_workers))


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (CorpusSettings(stages=("dedup",)), OPTIONS, "no stage is called 'dedup'"),
        (CorpusSettings(stages=("exact", "exact")), OPTIONS, "stands there twice"),
        (CorpusSettings(stages=("exact", "licence", "near")), OPTIONS, "keep them side by side"),
        (CorpusSettings(stages=("near", "exact")), OPTIONS, "keep them side by side"),
        (CorpusSettings(languages=("x",)), OPTIONS, "no language"),
        (SETTINGS, CorpusOptions(executor="mpi"), "no executor is called 'mpi'"),
        (SETTINGS, CorpusOptions(n_tasks=0), "0 tasks are none"),
        (SETTINGS, CorpusOptions(ranking=Path("missing.csv")), "is no ranking"),
    ],
)
def test_settings_that_cannot_be(
    settings: CorpusSettings, options: CorpusOptions, message: str, planted: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        make_corpus([planted], tmp_path / "out", settings, options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("stages", "plan"),
    [
        ((), ((), (), ())),
        (("licence",), (("licence",), (), ())),
        (("licence", "exact", "syntax"), (("licence",), ("exact",), ("syntax",))),
        (("forks", "near", "licence"), ((), ("forks", "near"), ("licence",))),
    ],
)
def test_plans(stages: Sequence[str], plan: tuple[Sequence[str], ...]) -> None:
    found = stage_plan(CorpusSettings(stages=tuple(stages)))
    assert (found.before, found.together, found.after) == plan


def test_every_stage_runs_with_its_defaults(tmp_path: Path) -> None:
    write_project(tmp_path / "p", {f"src/m{n}.py": module(n) for n in range(3)})
    manifest = make_corpus([tmp_path / "p"], tmp_path / "out", CorpusSettings(), OPTIONS)
    assert manifest
    assert manifest.counts["kept"]["projects"] == 1
    assert list(manifest.counts["stages"]) == list(CorpusSettings().stages)


def test_projects_of_one_name(tmp_path: Path) -> None:
    """Two sources may call different projects by one name; the better one gets it."""
    for number, folder in enumerate(("one", "two")):
        write_project(tmp_path / folder / "same", {f"{n}.py": module(10 * number + n) for n in range(2 + number)})
    make_corpus([tmp_path / "one/same", tmp_path / "two/same"], tmp_path / "out", SETTINGS, OPTIONS)
    assert {each.name: len(each.files) for each in read_projects(tmp_path / "out")} == {"same": 3, "same~2": 2}


def test_a_ranking_decides_what_stays(tmp_path: Path) -> None:
    for name in ("loved", "unloved"):
        write_project(tmp_path / "all" / name, {"a.py": module(1)})
    (tmp_path / "ranking.csv").write_text("name,stars\nloved,100\nunloved,1\n")
    settings = replace(SETTINGS, ranking=RankingSettings(0.5), licence=LicenceSettings())
    sources = [tmp_path / "all" / name for name in ("loved", "unloved")]
    options = replace(OPTIONS, ranking=tmp_path / "ranking.csv")
    make_corpus(sources, tmp_path / "out", settings, options)
    assert [project.name for project in read_projects(tmp_path / "out")] == ["loved"]
