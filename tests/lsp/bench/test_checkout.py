"""The benchmark of a checkout runs, and its figures hang together."""

from __future__ import annotations

from pathlib import Path

from midfill_lsp.bench.context import checkout


def test_a_checkout(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"m{number}.py").write_text(f"import m{number - 1}\n\ndef f{number}(): ...\n")
    (tmp_path / "data.json").write_text("{}")
    result = checkout.run(tmp_path, 20, 10, lambda message: None)
    assert (result.n_files, result.n_changed) == (20, 10)
    assert result.absorbed_s > 0
    for latency in (result.quiet, result.during):
        assert latency.n_requests > 0
        assert 0 < latency.p50_ms <= latency.p99_ms <= latency.max_ms
        assert latency.wall_p50_ms <= latency.wall_p99_ms
    assert "| during the checkout |" in checkout.render(result)
