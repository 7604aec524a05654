"""Endings where the real model writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_model.ending import adds_syntax_error
from midfill_model.engine import Completion, CompletionRequest, Limits, StopReason
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.wire import EngineOptions

TIMEOUT_S = 60.0
PREFIX = '"""Sums."""\n\n\ndef add(a, b):\n    return a + b\n\n\ndef total(prices):\n    result = 0\n'
SUFFIX = "\n    return result\n"


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[LlamaEngine]:
    engine = LlamaEngine(smollm2)
    engine.wait_until_loaded(TIMEOUT_S)
    yield engine
    engine.close()


def ask(engine: LlamaEngine, prefix: str, suffix: str, **options: object) -> Completion:
    request = CompletionRequest(Cursor("a.py", "python", prefix, suffix), **options)  # type: ignore[arg-type]
    return engine.submit(request).result(TIMEOUT_S)


def test_a_statement_with_its_block(engine: LlamaEngine) -> None:
    completion = ask(engine, f"{PREFIX}    for", SUFFIX)
    assert completion.stop_reason is StopReason.STRUCTURE
    assert completion.text.startswith(" price in prices:\n        ")
    assert not adds_syntax_error("python", f"{PREFIX}    for", completion.text, SUFFIX)


@pytest.mark.parametrize("max_tokens", [1, 5, 8])
def test_what_is_cut_short_is_whole_all_the_same(engine: LlamaEngine, max_tokens: int) -> None:
    completion = ask(engine, f"{PREFIX}    for", SUFFIX, limits=Limits(max_tokens))
    assert completion.stop_reason in (StopReason.MAX_TOKENS, StopReason.NO_VALID_CUT)
    assert not adds_syntax_error("python", f"{PREFIX}    for", completion.text, SUFFIX)


def test_the_model_is_not_asked_where_nothing_is_needed(engine: LlamaEngine) -> None:
    completion = ask(engine, f"{PREFIX}    result = ", f"sum(prices){SUFFIX}")
    assert completion.stop_reason is StopReason.NOTHING_NEEDED
    assert completion.timings.n_prompt_tokens == 0


def test_an_unsure_model_is_not_heard(engine: LlamaEngine, smollm2: Path) -> None:
    completion = ask(engine, f"{PREFIX}    for", SUFFIX, min_logprob=0.0)
    assert (completion.text, completion.stop_reason) == ("", StopReason.UNSURE)
    assert completion.logprobs
    with closing(LlamaEngine(smollm2, EngineOptions(min_logprob=0.0))) as strict:
        strict.wait_until_loaded(TIMEOUT_S)
        assert ask(strict, f"{PREFIX}    for", SUFFIX).stop_reason is StopReason.UNSURE, "the engine's own threshold"
        assert ask(strict, f"{PREFIX}    for", SUFFIX, min_logprob=-100.0).text, "that of the request goes before"
