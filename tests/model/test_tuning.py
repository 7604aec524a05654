"""What is measured of a model on this machine, and what is kept of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from midfill_model.local import measuring
from midfill_model.local.interrupt import Interrupted
from midfill_model.local.kv_cache import BRANCH
from midfill_model.local.measuring import BUDGET_S, LONGEST_READ_S, measure
from midfill_model.local.sampling import Logits
from midfill_model.local.tuning import Tuning, store_tuning, stored_tuning, tuning_path

TUNING = Tuning(4, 32, 7680, 256.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "mein Modell.gguf"
    path.write_bytes(b"GGUF")
    return path


class TestStored:
    def test_comes_back(self, model: Path) -> None:
        assert stored_tuning(model) is None
        store_tuning(model, TUNING)
        assert stored_tuning(model) == TUNING
        store_tuning(model, replace(TUNING, n_threads=2))
        assert stored_tuning(model) == replace(TUNING, n_threads=2)
        assert list(tuning_path(model).parent.iterdir()) == [tuning_path(model)], "no drafts stay"

    def test_another_model_has_its_own(self, model: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.gguf"
        other.write_bytes(b"GGUF")
        store_tuning(model, TUNING)
        assert stored_tuning(other) is None

    def test_a_changed_model_is_another(self, model: Path) -> None:
        store_tuning(model, TUNING)
        os.utime(model, ns=(1, 1))
        assert stored_tuning(model) is None

    @pytest.mark.parametrize("key", ["version", "cpu", "n_cores", "llama_cpp", "model_bytes"])
    def test_another_machine_is_ignored_and_rewritten(self, model: Path, key: str) -> None:
        store_tuning(model, TUNING)
        stored = json.loads(tuning_path(model).read_text())
        tuning_path(model).write_text(json.dumps(stored | {key: "another"}))
        assert stored_tuning(model) is None
        store_tuning(model, TUNING)
        assert stored_tuning(model) == TUNING

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"tuning": null}',
            b'{"tuning": {"threads": 1}}',
            b'{"tuning": []}',
        ],
        ids=lambda text: repr(text[:20]),
    )
    def test_damaged_files_are_ignored(self, model: Path, text: bytes) -> None:
        store_tuning(model, TUNING)
        tuning_path(model).write_bytes(text)
        assert stored_tuning(model) is None

    @pytest.mark.parametrize(
        "wrong",
        [{"n_threads": 0}, {"n_threads": 2.5}, {"n_micro_batch": "64"}, {"max_prompt_tokens": -1}]
        + [{"tokens_per_s": value} for value in (0, -1.0, None, float("nan"), float("inf"))]
        + [{"n_threads": True}, {"n_threads": 1 << 40}],
        ids=str,
    )
    def test_impossible_figures_are_ignored(self, model: Path, wrong: dict[str, object]) -> None:
        store_tuning(model, replace(TUNING, **wrong))  # type: ignore[arg-type]
        assert stored_tuning(model) is None

    def test_a_folder_that_cannot_be_made_is_no_error(self, model: Path) -> None:
        cache = tuning_path(model).parents[2]
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "midfill").write_text("in the way")
        store_tuning(model, TUNING)
        assert stored_tuning(model) is None


@dataclass
class Rig:
    """A machine with a clock of its own: so many ms for a batch, by threads and tokens."""

    ms_by_threads: dict[int, float]
    ms_by_batch: dict[int, float] = field(default_factory=dict)
    n_threads: int = 0
    now_s: float = 100.0
    n_cached: int = 0
    interrupt_at: int | None = None
    n_decoded: int = 0
    held_up_at: int | None = None

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]:
        assert (position, sequence) == (self.n_cached, BRANCH)
        if self.n_decoded == self.interrupt_at:
            raise Interrupted
        self.n_decoded += 1
        self.n_cached += len(tokens)
        held_up_ms = 1000 if self.n_decoded == self.held_up_at else 0
        self.now_s += (self.ms_by_batch.get(len(tokens), 1) * self.ms_by_threads[self.n_threads] + held_up_ms) / 1000
        return [np.zeros(1, np.float32)] * n_outputs

    def truncate(self, sequence: int, n_tokens: int) -> None:
        assert (sequence, n_tokens) == (BRANCH, 0)
        self.n_cached = 0

    def set_threads(self, n_threads: int) -> None:
        self.n_threads = n_threads

    def measure(self, monkeypatch: pytest.MonkeyPatch, n_default: int, n_cores: int) -> Tuning:
        monkeypatch.setattr(measuring, "perf_counter", lambda: self.now_s)
        return measure(self, n_default, n_cores)


class TestMeasured:
    @pytest.mark.parametrize(
        ("ms_by_threads", "n_threads"),
        [
            ({1: 40, 2: 21, 4: 12, 8: 10, 12: 11}, 8),
            ({1: 40, 2: 21, 4: 10.2, 8: 10, 12: 11}, 4),
            ({1: 10, 2: 80, 4: 90, 8: 99, 12: 200}, 1),
            ({1: 40, 2: 30, 4: 20, 8: 12, 12: 5}, 12),
        ],
        ids=["best", "hardly slower with half", "crowded", "all"],
    )
    def test_threads(self, ms_by_threads: dict[int, float], n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
        rig = Rig(ms_by_threads)
        assert rig.measure(monkeypatch, 8, 12).n_threads == n_threads
        assert (rig.n_threads, rig.n_cached) == (n_threads, 0)

    @pytest.mark.parametrize(
        ("ms_by_batch", "n_micro_batch"),
        [({16: 70, 32: 130, 64: 250}, 32), ({16: 65, 32: 128, 64: 250}, 16), ({16: 150, 32: 200, 64: 250}, 64)],
        ids=["4 percent", "hardly any", "much"],
    )
    def test_small_micro_batches_where_they_cost_little(
        self, ms_by_batch: dict[int, float], n_micro_batch: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tuning = Rig({1: 1.0, 2: 1.0}, ms_by_batch).measure(monkeypatch, 2, 2)
        assert tuning.n_micro_batch == n_micro_batch
        assert tuning.tokens_per_s == pytest.approx(n_micro_batch * 1000 / ms_by_batch[n_micro_batch], abs=0.1)
        assert tuning.max_prompt_tokens == pytest.approx(tuning.tokens_per_s * LONGEST_READ_S, abs=2)

    @pytest.mark.parametrize("held_up_at", [1, 7, 20, 34])
    def test_held_up_once(self, held_up_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        quiet = Rig({1: 40, 2: 20}, {16: 5, 32: 6, 64: 7})
        held_up = replace(quiet, held_up_at=held_up_at)
        assert held_up.measure(monkeypatch, 2, 2) == quiet.measure(monkeypatch, 2, 2)

    @pytest.mark.parametrize("ms", [700, 5000])
    def test_slow_models_take_no_longer(self, ms: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is measured once is not measured again; nothing begins after the time is up."""
        rig = Rig({1: ms, 2: ms, 4: ms, 8: ms})
        started = rig.now_s
        rig.measure(monkeypatch, 4, 8)
        longest_trial_s = 5 * ms / 1000
        assert rig.now_s - started <= BUDGET_S + 2 * longest_trial_s

    @pytest.mark.parametrize("interrupt_at", [0, 3, 30])
    def test_interrupted_it_leaves_nothing_behind(self, interrupt_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
        rig = Rig({1: 10, 2: 9}, interrupt_at=interrupt_at)
        with pytest.raises(Interrupted):
            rig.measure(monkeypatch, 2, 2)
        assert rig.n_cached == 0
        assert rig.n_threads in (1, 2)
