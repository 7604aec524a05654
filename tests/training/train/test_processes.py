"""Two processes compute what one computes, with their weights whole (DDP) or in parts (FSDP)."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from midfill_training.train.run import Request, train
from training.train import tiny_runs
from training.train.tiny_rows import Vocabulary

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="gloo between processes, POSIX signals"),
    pytest.mark.timeout(400),  # three imports of torch, on a busy machine
]
SETTINGS = {"steps": 4, "isolate": True}


@pytest.fixture(scope="module")
def alone(rows: Path, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process."""
    request = tiny_runs.pretraining(rows, tmp_path_factory.mktemp("alone") / "run", vocabulary.folder, **SETTINGS)
    train(request)
    return request.output


def in_two_processes(request: Request, *options: str) -> None:
    with socket.socket() as any_free:
        any_free.bind(("127.0.0.1", 0))
        port = any_free.getsockname()[1]
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}")
    process = tiny_runs.start(request, *options, "--set", "machine.micro_rows=1", launcher=launcher)
    _, told = process.communicate(timeout=360)
    assert process.returncode == 0, told


def same_curve(run: Path, wanted: Path) -> None:
    assert tiny_runs.losses(run) == pytest.approx(tiny_runs.losses(wanted), rel=1e-4)
    before, now = tiny_runs.evaluations(wanted)[-1], tiny_runs.evaluations(run)[-1]
    assert now["valid"] == pytest.approx(before["valid"], rel=1e-4)
    assert now["n_middles"] == before["n_middles"]


def test_two_processes(rows: Path, vocabulary: Vocabulary, alone: Path, tmp_path: Path) -> None:
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder, **SETTINGS)
    in_two_processes(request)
    same_curve(request.output, alone)


def test_one_process_begins_and_two_go_on_in_parts(
    rows: Path, vocabulary: Vocabulary, alone: Path, tmp_path: Path
) -> None:
    """The optimizer that one process saved is read in parts by two."""
    request = tiny_runs.pretraining(rows, tmp_path / "run", vocabulary.folder, **SETTINGS)
    watcher = tiny_runs.stop_at(request.output, 1)
    assert train(request).stopped_by
    watcher.join()
    in_two_processes(request, "--set", "machine.fsdp=true")
    same_curve(request.output, alone)
