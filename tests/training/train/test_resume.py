"""A run that is stopped or killed and started again is the run that was never disturbed."""

from __future__ import annotations

import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_training.errors import BadInput, OutputError
from midfill_training.train.checkpoints import newest_checkpoint
from midfill_training.train.run import Request, train
from training.train import tiny_runs
from training.train.tiny_rows import Vocabulary

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture(scope="module")
def whole(rows: Path, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing disturbed."""
    request = tiny_runs.pretraining(rows, tmp_path_factory.mktemp("whole") / "run", vocabulary.folder)
    train(request)
    return request.output


@pytest.fixture
def request_(rows: Path, vocabulary: Vocabulary, tmp_path: Path) -> Request:
    return tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder)


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(request_: Request, whole: Path, number: int) -> None:
    before = signal.getsignal(number)
    watcher = tiny_runs.stop_at(request_.output, 3, number)
    stopped = train(request_)
    watcher.join()
    assert stopped.stopped_by == number
    assert stopped.folder is None
    assert 3 <= stopped.state.step < 6
    assert signal.getsignal(number) == before
    done = train(request_)
    assert done.folder == request_.output / "model"
    assert tiny_runs.losses(request_.output) == tiny_runs.losses(whole)
    assert tiny_runs.evaluations(request_.output)[-1]["valid_loss"] == tiny_runs.evaluations(whole)[-1]["valid_loss"]
    weights = "model/model.safetensors"
    assert (request_.output / weights).read_bytes() == (whole / weights).read_bytes()


@needs_signals
def test_killed(request_: Request, whole: Path) -> None:
    process = tiny_runs.start(request_)
    tiny_runs.wait_for(lambda: 3 in tiny_runs.losses(request_.output) or process.poll() is not None)
    process.kill()
    _, told = process.communicate()
    assert 3 in tiny_runs.losses(request_.output), told
    half = request_.output / "checkpoints" / "step-00000009.part"
    half.mkdir()  # as if it had been killed while it wrote one
    assert train(request_).folder == request_.output / "model"
    assert tiny_runs.losses(request_.output) == tiny_runs.losses(whole)


def test_a_finished_run_is_left_alone(whole: Path, rows: Path, vocabulary: Vocabulary) -> None:
    before = (whole / "log.jsonl").read_bytes()
    done = train(tiny_runs.pretraining(rows, whole, vocabulary.folder))
    assert (done.folder, done.state.step) == (whole / "model", 6)
    assert (whole / "log.jsonl").read_bytes() == before


def test_how_the_machine_gets_there_may_change(whole: Path, request_: Request) -> None:
    shutil.copytree(whole, request_.output, ignore=shutil.ignore_patterns("manifest.json", "step-*6", "model"))
    machine = replace(request_.machine, micro_rows=1, checkpoint_activations=True)
    assert train(replace(request_, machine=machine)).state.step == 6
    assert tiny_runs.losses(request_.output) == pytest.approx(tiny_runs.losses(whole), rel=1e-5)


def test_another_run_is_refused(whole: Path, rows: Path, vocabulary: Vocabulary) -> None:
    request = tiny_runs.pretraining(rows, whole, vocabulary.folder, lr_max=1e-4)
    with pytest.raises(OutputError, match=r"another run \(its settings.training.lr_max was 0.003, now it is 0.0001\)"):
        train(request)


def test_a_folder_of_something_else_is_refused(request_: Request) -> None:
    request_.output.mkdir()
    (request_.output / "thesis.tex").write_text("my only copy")
    with pytest.raises(OutputError, match="is not empty and no run"):
        train(request_)


@pytest.mark.parametrize("damaged", ["state.json", "optimizer/.metadata"])
def test_a_damaged_checkpoint(whole: Path, request_: Request, damaged: str) -> None:
    shutil.copytree(whole, request_.output)
    for name in ("manifest.json", "model/model.safetensors"):
        (request_.output / name).unlink()
    newest = newest_checkpoint(request_.output)
    assert newest is not None
    (newest / damaged).write_bytes(b"")
    with pytest.raises(BadInput, match="remove this folder, the run then goes on from the checkpoint before"):
        train(request_)
    shutil.rmtree(newest)
    assert train(request_).state.step == 6
    assert tiny_runs.losses(request_.output) == tiny_runs.losses(whole)


def test_checkpoints_that_are_kept(whole: Path) -> None:
    assert [path.name for path in sorted((whole / "checkpoints").iterdir())] == ["step-00000004", "step-00000006"]
