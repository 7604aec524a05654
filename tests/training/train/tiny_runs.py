"""Runs of seconds, and a way to start them as users do until they are looked at or killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from midfill_training.train.journal import read_journal
from midfill_training.train.run import Request
from midfill_training.train.settings import Machine, Training
from midfill_training.train.shapes import ModelShape

SHAPE = ModelShape(
    hidden_size=64, intermediate_size=192, num_hidden_layers=2, max_position_embeddings=256, initializer_range=0.05
)
TRAINING = Training(steps=6, batch_rows=4, block_rows=2, lr_max=3e-3, lr_min=0.0, warmup=0.2, precision="f32")
MACHINE = Machine(micro_rows=4, threads=1, log_steps=1, save_minutes=0, save_steps=2, valid_rows=4)
PROGRAM = ("-m", "midfill_training.cli")


def pretraining(rows: Path, output: Path, tokenizer: Path, **training: Any) -> Request:
    """Fresh weights of the small shape."""
    settings = replace(TRAINING, **training)
    return Request("pretrain", rows, output, None, tokenizer, SHAPE, settings, MACHINE)


def losses(run: Path) -> dict[int, float]:
    """Training loss by step."""
    return {line["step"]: line["loss"] for line in read_journal(run) if "loss" in line}


def evaluations(run: Path) -> list[dict[str, Any]]:
    return [line for line in read_journal(run) if "valid_loss" in line]


def stop_at(run: Path, step: int, number: int = signal.SIGTERM) -> threading.Thread:
    """Send this process a signal as soon as a step is in the log."""

    def watch() -> None:
        wait_for(lambda: step in losses(run))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def write_config(path: Path, request: Request) -> Path:
    """The settings of a request as a file, for processes."""
    tables = {"model": request.shape, "training": request.training, "machine": request.machine}
    lines = []
    for name, settings in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in vars(settings).items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def start(request: Request, *options: str, launcher: Sequence[str] = ()) -> subprocess.Popen[str]:
    """`midfill-train pretrain` as a process."""
    config = write_config(request.output.with_suffix(".toml"), request)
    command = [sys.executable, *launcher, *PROGRAM, "pretrain", str(request.rows), "-o", str(request.output)]
    command += ["--config", str(config), "--tokenizer", str(request.tokenizer), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(holds: Callable[[], bool], timeout_s: float = 100) -> None:
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
