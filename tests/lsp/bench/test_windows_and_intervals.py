"""The parts that benchmarks are judged by: plain BM25, and bootstrap intervals."""

from __future__ import annotations

import pytest

from midfill_lsp.bench.context.windows import WINDOW_LINES, Windows
from midfill_lsp.bench.intervals import estimate


def test_bm25_finds_rare_words_first() -> None:
    texts = {
        "a.py": "common rare\n" + "common\n" * 50,
        "b.py": "common other\n",
        "c.py": "Rare common words in a line that goes on and on\n",
    }
    windows = Windows(texts)
    found = list(windows.search("rare common", texts))
    assert found[0].score > found[1].score > found[-1].score
    assert found[-1].chunk.path == "b.py" or "rare" not in found[-1].chunk.text
    assert {snippet.chunk.path for snippet in windows.search("rare", texts)} == {"a.py", "c.py"}
    assert [snippet.chunk.path for snippet in windows.search("rare", ["a.py"])] == ["a.py"]
    assert list(windows.search("unknown", texts)) == []
    chunk = next(iter(windows.search("rare", ["a.py"]))).chunk
    assert (chunk.first_line, chunk.last_line) == (1, WINDOW_LINES)
    assert chunk.text.count("\n") == WINDOW_LINES - 1


def test_bm25_scores_are_those_of_the_formula() -> None:
    """Two windows of 2 and 4 words; the word stands once in the first: idf ln(1 + 1.5 / 1.5), length 2 of 3."""
    (found,) = Windows({"a.py": "x y", "b.py": "y y y z"}).search("x", ["a.py", "b.py"])
    assert found.score == pytest.approx(0.6931 * 2.5 / (1 + 1.5 * (0.25 + 0.75 * 2 / 3)), rel=1e-3)


def test_intervals() -> None:
    spread = estimate([0.0, 1.0] * 50, [str(n) for n in range(100)])
    assert spread.mean == 0.5
    assert 0.38 < spread.low < 0.42
    assert 0.58 < spread.high < 0.62
    clustered = estimate([0.0, 1.0] * 50, [str(n % 2) for n in range(100)])
    assert (clustered.low, clustered.high) == (0, 1)
    assert estimate([2.0], ["a"]).low == 2.0
