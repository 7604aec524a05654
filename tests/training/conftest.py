"""Checkpoints and their conversions, made once; tests that damage one copy it first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from midfill_training.export.conversion import ExportOptions, export
from training import checkpoints


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama checkpoint in three shards."""
    return checkpoints.write_llama(tmp_path_factory.mktemp("checkpoints") / "tiny-llama", shard="400KB")


@pytest.fixture(scope="session")
def llama_gguf(llama: Path) -> Path:
    """Its f16 conversion."""
    path = llama.parent / "tiny-llama.gguf"
    export(llama, path, ExportOptions())
    return path


@pytest.fixture
def broken(llama: Path, tmp_path: Path) -> Path:
    """A copy of the Llama checkpoint for a test to damage."""
    return Path(shutil.copytree(llama, tmp_path / "broken"))
