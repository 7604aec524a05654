"""Every settings file under training/configs can be read by every stage, and names no table that no stage reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from midfill_training.corpus.settings import CorpusSettings
from midfill_training.objectives.sampling import ObjectiveSettings
from midfill_training.ordering.strategies import OrderingSettings
from midfill_training.packing.settings import PackingSettings
from midfill_training.settings import read_settings
from midfill_training.tokenizer.settings import TokenizerSettings
from midfill_training.train.settings import Lora, Machine, Training
from midfill_training.train.shapes import ModelShape

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIGS = sorted((Path(__file__).parents[2] / "training" / "configs").glob("*.toml"))
TABLES: dict[str, type[Any]] = {
    "corpus": CorpusSettings,
    "tokenizer": TokenizerSettings,
    "ordering": OrderingSettings,
    "objectives": ObjectiveSettings,
    "packing": PackingSettings,
    "model": ModelShape,
    "training": Training,
    "machine": Machine,
    "lora": Lora,
}


def test_the_named_configs_are_there() -> None:
    assert {path.stem for path in CONFIGS} >= {"aixcoder-7b", "midfill-135m", "tiny"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_stage_can_read_it(path: Path) -> None:
    assert set(tomllib.loads(path.read_text(encoding="utf-8"))) <= set(TABLES)
    for table, kind in TABLES.items():
        read_settings(path, table, kind)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_rows_fit_the_model(path: Path) -> None:
    length = read_settings(path, "packing", PackingSettings).length
    assert length <= read_settings(path, "model", ModelShape).max_position_embeddings


def test_the_papers_figures() -> None:
    """PAPER.md section 4."""
    path = next(path for path in CONFIGS if path.stem == "aixcoder-7b")
    shape = read_settings(path, "model", ModelShape)
    assert (shape.hidden_size, shape.intermediate_size, shape.num_hidden_layers) == (4096, 14464, 32)
    assert (shape.vocab_size, shape.num_key_value_heads, shape.rope_theta) == (49152, 8, 256000.0)
    training = read_settings(path, "training", Training)
    assert (training.lr_max, training.lr_min, training.precision) == (1e-5, 1e-6, "bf16")
    assert read_settings(path, "packing", PackingSettings).length == 32768
