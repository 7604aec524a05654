"""Scores of known texts: they are what the model's own choices say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.engine import CompletionRequest, Ending, Limits
from midfill_model.errors import EngineError
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.scoring import Scorer
from midfill_model.local.wire import EngineOptions

CURSOR = Cursor("a.py", "python", "def add(a, b):\n    return ", "\n")
SNIPPET = Snippet(Chunk("b.py", 1, 1, "def add_them(first_number, second_number): ...\n" * 4), 1.0, "")


@pytest.fixture(scope="module")
def scorer(smollm2: Path) -> Iterator[Scorer]:
    with Scorer(smollm2, 512) as scorer:
        yield scorer


def test_the_score_of_what_the_engine_writes(scorer: Scorer, smollm2: Path) -> None:
    """Both are about the same tokens: no piece goes on behind a digit, so that healing takes nothing back."""
    cursor = Cursor("a.py", "python", "for i in range(10", "")
    engine = LlamaEngine(smollm2, EngineOptions(n_ctx=1024), name="")
    engine.wait_until_loaded(60)
    written = engine.submit(CompletionRequest(cursor, limits=Limits(max_tokens=5), ending=Ending.RAW)).result()
    engine.close()
    score = scorer.score(cursor, (), written.text, 256)
    assert score.logprob == pytest.approx(sum(written.logprobs), abs=0.05)
    assert score.n_tokens == 5


def test_what_is_likely(scorer: Scorer) -> None:
    likely, unlikely = (scorer.score(CURSOR, (), text, 256) for text in ("a + b", "zebra"))
    assert likely.logprob > unlikely.logprob
    assert likely.n_snippet_tokens == 0
    assert likely == scorer.score(CURSOR, (), "a + b", 256)


def test_snippets_take_their_tokens_from_the_file(scorer: Scorer) -> None:
    long = Cursor("a.py", "python", "x = 1  # a line\n" * 200 + "first_", "")
    without = scorer.score(long, (), "number", 200)
    with_snippet = scorer.score(long, (SNIPPET,), "number", 200)
    assert 0 == without.n_snippet_tokens < with_snippet.n_snippet_tokens
    assert max(without.n_prompt_tokens, with_snippet.n_prompt_tokens) <= 200
    assert with_snippet.logprob > without.logprob
    assert with_snippet.n_tokens == without.n_tokens


def test_counting(scorer: Scorer) -> None:
    assert scorer.count_tokens("") == 0
    assert scorer.count_tokens("def f():\n" * 10) == 10 * scorer.count_tokens("def f():\n")


def test_a_process_that_ends(tmp_path: Path) -> None:
    with Scorer(tmp_path / "nothing.gguf", 512) as scorer, pytest.raises(EngineError, match="has ended"):
        scorer.count_tokens("x")
