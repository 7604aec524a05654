"""`midfill-train pack`: the same rows from any number of processes and after any interruption, and its errors."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_training import output
from midfill_training.commands import pack as command
from midfill_training.corpus.documents import SourceFile, write_shard
from midfill_training.errors import BadInput, OutputError, TrainingError
from midfill_training.objectives.examples import OBJECTIVES
from midfill_training.packing import shards, stage
from midfill_training.packing.packer import Recipe
from midfill_training.packing.rows import open_rows
from midfill_training.packing.settings import PackingSettings
from midfill_training.packing.stage import PackOptions, pack
from midfill_training.report.manifest import Manifest, read_manifest

RECIPE = Recipe(packing=PackingSettings(length=512, passes=2, holdout_share=0.3))
PROGRAM = """
import sys
from pathlib import Path
from midfill_training.packing.packer import Recipe
from midfill_training.packing.settings import PackingSettings
from midfill_training.packing.stage import PackOptions, pack
if __name__ == "__main__":
    recipe = Recipe(packing=PackingSettings(length=512, passes=2, holdout_share=0.3))
    pack(*map(Path, sys.argv[1:4]), recipe, PackOptions(n_workers=int(sys.argv[4])))
"""


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.npy"))
    }


@pytest.fixture(scope="module")
def finished(corpus: Path, tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows that one process made without interruption."""
    out = tmp_path_factory.mktemp("rows") / "out"
    pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1))
    return out


def run(*args: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["pack", *map(str, args)])
    return int(arguments.run(arguments))


def test_what_is_left_of_a_run(finished: Path, corpus: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {"train", "valid", "fim", "manifest.json", "report.html"}
    manifest = read_manifest(finished)
    assert manifest is not None
    assert set(manifest.inputs) == {"tokenizer", *(path.name for path in corpus.iterdir())}
    assert manifest.outputs == hashes(finished)
    for split in ("train", "valid", "fim"):
        counts, rows = manifest.counts[split], open_rows(finished / split)
        assert counts["rows"] == len(rows)
        assert counts["totals"]["filler"] == int((rows.group == 0).sum())
        assert counts["totals"]["tokens"] == int((rows.group != 0).sum())
        assert counts["totals"]["loss"] == int(rows.loss.sum())
        assert set(counts["tokens_by_language"]) == {"python", "markdown"}
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "⟦&lt;fim_middle&gt;⟧" in page
    assert page.count("<svg") == 3


def test_fim_rows_count_the_middles_of_what_is_held_out(finished: Path) -> None:
    valid, fim = (open_rows(finished / split) for split in ("valid", "fim"))
    holes = fim.objective != OBJECTIVES.index("ntp")
    shares = [float(rows.loss[rows.objective != OBJECTIVES.index("ntp")].mean()) for rows in (fim, valid)]
    assert holes.any()
    assert 0 < shares[0] < 0.5 < shares[1]


def test_nothing_is_done_twice(finished: Path, corpus: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "pack_units", None)
    assert pack(corpus, finished, tokenizer, RECIPE) == read_manifest(finished)


def test_other_settings_need_force(finished: Path, corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    other = replace(RECIPE, packing=PackingSettings(length=256, holdout="none"))
    with pytest.raises(OutputError, match="another corpus or settings"):
        pack(corpus, finished, tokenizer, other)
    out = tmp_path / "out"
    pack(corpus, out, tokenizer, other, PackOptions(n_workers=1))
    pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1, force=True))
    assert hashes(out) == hashes(finished)
    pack(corpus, out, tokenizer, other, PackOptions(n_workers=1, force=True))
    assert not (out / "valid" / "tokens.npy").exists()


def test_two_processes_make_the_same_rows(finished: Path, corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    pack(corpus, tmp_path / "out", tokenizer, RECIPE, PackOptions(n_workers=2))
    assert hashes(tmp_path / "out") == hashes(finished)


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle(
    finished: Path, corpus: Path, tokenizer: Path, tmp_path: Path, how: signal.Signals, n_workers: int
) -> None:
    out = tmp_path / "out"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    args = [sys.executable, str(program), str(corpus), str(out), str(tokenizer), str(n_workers)]
    process = subprocess.Popen(args, stderr=subprocess.DEVNULL)
    while not list(out.glob(f".work/*/{shards.RECORD}")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    assert process.wait(timeout=60) != 0
    assert read_manifest(out) is None
    kept = {path: path.stat().st_mtime_ns for path in out.glob(f".work/*/{shards.RECORD}")}
    assert kept
    seen: list[Path] = []
    real = shards.write_rows

    def counting(folder: Path, *args: object) -> int:
        seen.append(folder)
        return real(folder, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "write_rows", counting)
        pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1))
    assert not {path.parent for path in kept} & set(seen)
    assert hashes(out) == hashes(finished)


def test_a_worker_is_killed(finished: Path, corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    def kill_one() -> None:
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        children[0].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(TrainingError, match="fewer --workers"):
        pack(corpus, tmp_path / "out", tokenizer, RECIPE, PackOptions(n_workers=2))
    killer.join()
    pack(corpus, tmp_path / "out", tokenizer, RECIPE, PackOptions(n_workers=1))
    assert hashes(tmp_path / "out") == hashes(finished)


def test_workers_end_with_their_parent(corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    args = [sys.executable, str(program), str(corpus), str(tmp_path / "out"), str(tokenizer), "2"]
    process = subprocess.Popen(args, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(found := children.read_text().split()) < 3 and process.poll() is None:  # the tracker and two workers
        time.sleep(0.01)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{each}") for each in found) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [each for each in found if os.path.exists(f"/proc/{each}")]


def empty(corpus: Path) -> None:
    for path in corpus.iterdir():
        path.unlink()


def without_text(corpus: Path) -> None:
    empty(corpus)
    write_shard(corpus, 0, [SourceFile("p", "a.py", "python", "")])


def without_files(corpus: Path) -> None:
    empty(corpus)
    write_shard(corpus, 0, [])


def cut_short(corpus: Path) -> None:
    path = corpus / "00001.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-2000])


def no_gzip(corpus: Path) -> None:
    (corpus / "00002.jsonl.gz").write_bytes(b"nothing of the kind")


def other_fields(corpus: Path) -> None:
    with gzip.open(corpus / "00001.jsonl.gz", "wt") as stream:
        stream.write(json.dumps({"content": "x = 1"}))


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (empty, "holds no shard of a corpus"),
        (without_text, "files without text"),
        (without_files, "holds anything to train on"),
        (cut_short, r"00001\.jsonl\.gz: cannot be read .* make the corpus again"),
        (no_gzip, r"00002\.jsonl\.gz: cannot be read"),
        (other_fields, r"00001\.jsonl\.gz: cannot be read"),
    ],
)
def test_a_corpus_that_cannot_be_packed(
    corpus: Path, tokenizer: Path, tmp_path: Path, damage: Callable[[Path], None], message: str, n_workers: int
) -> None:
    copy = tmp_path / "corpus"
    copy.mkdir()
    for path in corpus.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    damage(copy)
    with pytest.raises(BadInput, match=message):
        pack(copy, tmp_path / "out", tokenizer, RECIPE, PackOptions(n_workers=n_workers))
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not hashes(tmp_path / "out").keys() & {"train/tokens.npy", "valid/tokens.npy"}


def test_a_tokenizer_that_does_not_fit(corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has neither"):
        pack(corpus, tmp_path / "out", tmp_path, RECIPE)
    with pytest.raises(BadInput, match="midfill-train tokenizer"):
        pack(corpus, tmp_path / "out", tokenizer, replace(RECIPE, format="aixcoder"))


def test_an_output_that_cannot_be(corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(OutputError, match="is a file"):
            pack(corpus, out, tokenizer, RECIPE)


def test_rows_without_a_manifest_are_not_overwritten(corpus: Path, tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "mine.npy").write_bytes(b"")
    with pytest.raises(OutputError, match="nothing vouches"):
        pack(corpus, tmp_path, tokenizer, RECIPE)
    assert (tmp_path / "train" / "mine.npy").exists()


def test_no_room_on_the_disk(
    corpus: Path, tokenizer: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        usage = output.shutil.disk_usage(tmp_path)._replace(free=10_000)
        patch.setattr(output.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OutputError, match="make room"):
            pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    pack(corpus, out, tokenizer, RECIPE, PackOptions(n_workers=1))
    assert hashes(out) == hashes(finished)


def test_the_command(corpus: Path, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        "[ordering]\ncontent = 0\n[objectives]\nntp = 0.5\nfim = 0\nsfim = 0.5\n"
        '[packing]\nlength = 256\nloss = "middle"\nholdout = "none"\n[training]\nsteps = 3\n'
    )
    out = tmp_path / "out"
    args = (corpus, "-o", out, "--tokenizer", tokenizer, "--config", config, "--workers", 1)
    assert run(*args, "--length", 384, "--holdout", "files", "--holdout-share", 0.2) == 0
    shown = capsys.readouterr().out
    assert "train" in shown
    assert "report.html" in shown
    assert open_rows(out / "valid").length == 384
    assert run(*args, "--length", 384, "--holdout", "files", "--holdout-share", 0.2, "--json") == 0
    manifest = Manifest(**json.loads(capsys.readouterr().out))
    assert manifest == read_manifest(out)
    assert manifest.settings["packing"]["loss"] == "middle"
    assert "content" not in manifest.counts["train"]["strategies"]
    with pytest.raises(OutputError, match="--force"):
        run(*args)
    assert run(*args, "--set", "objectives.ntp=1", "--set", "objectives.sfim=0", "--json", "--force") == 0
    assert list(json.loads(capsys.readouterr().out)["counts"]["train"]["tokens_by_objective"]) == ["ntp"]


def test_a_small_corpus_is_told_that_nothing_is_held_out(
    corpus: Path, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(corpus, "-o", tmp_path / "out", "--tokenizer", tokenizer, "--holdout-share", 0, "--workers", 1) == 0
    assert "--holdout files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[packing]\nlenght = 3", "lenght is no setting"),
        ("[ordering]\ncontent = -1", "shares"),
        ("[packing", "cannot be read as settings"),
    ],
)
def test_a_settings_file_that_makes_no_sense(
    corpus: Path, tokenizer: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(BadInput, match=message):
        run(corpus, "-o", tmp_path / "out", "--tokenizer", tokenizer, "--config", tmp_path / "settings.toml")
