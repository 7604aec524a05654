"""The benchmark of guesses, with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from midfill_lsp.bench.latency import prompt_lookup

SOURCE = "".join(f"def area_{n}(side):\n    area = side * side * {n}\n    return area\n\n\n" for n in range(9))


def ignore(message: str) -> None:
    pass


def test_both_write_the_same_text(tmp_path: Path, smollm2: Path) -> None:
    (tmp_path / "areas.py").write_text(SOURCE)
    result = prompt_lookup.run([tmp_path], 9, ignore, str(smollm2))
    assert 0 < result.n == result.n_alike <= 9
    assert min(result.plain_ms, result.guessing_ms, result.share.mean) > 0
    assert f"{result.n} cursors" in prompt_lookup.render(result)


def test_nothing_is_missing(tmp_path: Path, smollm2: Path) -> None:
    (tmp_path / "none.py").write_text("")
    with pytest.raises(ValueError, match=r"code|cursors"):
        prompt_lookup.run([tmp_path], 1, ignore, str(smollm2))
