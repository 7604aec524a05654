"""The benchmark of how threads wait, with the real model, and the environment it is about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from midfill_lsp.bench.latency import waiting
from midfill_model.local.waiting import WAITING, waiting_environment


def ignore(message: str) -> None:
    pass


def test_every_way_is_measured_alone_and_busy(smollm2: Path) -> None:
    before = dict(os.environ)
    result = waiting.run(1, ignore, str(smollm2))
    assert [way.name for way in result.ways] == list(waiting.WAYS)
    assert all(min(way.alone_ms, way.busy_ms) > 0 for way in result.ways)
    assert waiting.render(result).count("\n|") == 1 + len(waiting.WAYS)
    assert dict(os.environ) == before


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    [name] = WAITING
    monkeypatch.delenv(name, raising=False)
    assert waiting_environment().items() >= WAITING.items()
    monkeypatch.setenv(name, "active")
    assert waiting_environment()[name] == "active"
