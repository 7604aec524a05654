"""Guesses at the next token: whether or not they are made, the same is read; and they are made where they pay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfill_context.cursor import Cursor
from midfill_model.engine import Completion, CompletionRequest, Ending, Limits
from midfill_model.local.kv_cache import MAIN, KvCache
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.prompt_lookup import N_MEASURED_TIMES, TRY_EVERY, GuessingPace, Reader
from midfill_model.local.wire import EngineOptions
from scripted_model import ScriptedContext

N_VOCAB = 5
TEXT = '''def area_of_square(side):
    """The area of a square."""
    return side * side


def area_of_circle(radius):
    """The area of a circle."""
    return 3.14159 * radius * radius


def area_of_triangle(base, height):
'''


class Always(GuessingPace):
    """Guesses whatever the measurement says."""

    def wants_guess(self) -> bool:
        return True


def measured(one_s: float, two_s: float, right: Sequence[bool]) -> GuessingPace:
    pace = GuessingPace()
    for _ in range(N_MEASURED_TIMES):
        pace.note_read(1, one_s)
        pace.note_read(2, two_s)
    for is_right in right:
        pace.note_guess(is_right)
    return pace


@settings(derandomize=True, max_examples=200)
@given(
    prompt=st.lists(st.integers(0, N_VOCAB - 1), min_size=1, max_size=20),
    table=st.lists(st.integers(0, N_VOCAB - 1), min_size=N_VOCAB, max_size=N_VOCAB),
    salt=st.integers(1, 9),
)
def test_the_same_is_read(prompt: list[int], table: list[int], salt: int) -> None:
    """Whatever follows what: also where the model does not go on as it did before."""

    def next_token(cells: Sequence[int]) -> int:
        return (table[cells[-1]] + (len(cells) % salt == 0)) % N_VOCAB

    written = []
    for pace in (None, Always()):
        context = ScriptedContext(next_token, N_VOCAB, n_micro_batch=16)
        cache = KvCache(context, 0)
        _, [logits] = cache.evaluate(prompt, 1)
        reader = Reader(cache, len(prompt), MAIN, pace)
        tokens = []
        for _ in range(30):
            tokens.append(int(logits.argmax()))
            logits = reader.read(tokens[-1])
        written.append(tokens)
        assert context.sequences[MAIN][: len(prompt) + 30] == prompt + tokens
        assert len(context.sequences[MAIN]) <= len(prompt) + 31
    assert written[0] == written[1]


def test_what_repeats_is_read_in_fewer_steps() -> None:
    context = ScriptedContext(lambda cells: (cells[-1] + 1) % N_VOCAB, N_VOCAB, n_micro_batch=16)
    cache = KvCache(context, 0)
    cache.evaluate([*range(N_VOCAB)] * 2, 1)
    n_before = len(context.batches)
    reader = Reader(cache, 2 * N_VOCAB, MAIN, Always())
    for number in range(20):
        reader.read(number % N_VOCAB)
    assert [len(batch) for batch in context.batches[n_before:]] == [2] * 10


@pytest.mark.parametrize(
    ("two_s", "n_right", "wants"),
    [(0.012, 7, True), (0.012, 1, False), (0.016, 7, True), (0.018, 7, False), (0.009, 0, True)],
    ids=["cheap", "wrong", "right", "dear", "free"],
)
def test_guesses_are_made_where_they_pay(two_s: float, n_right: int, wants: bool) -> None:
    pace = measured(0.01, two_s, [at < n_right for at in range(10)])
    tried = [pace.wants_guess() for _ in range(2 * TRY_EVERY)]
    assert tried.count(True) == (len(tried) if wants else 2), "from time to time it is tried all the same"


def test_before_anything_is_measured_both_ways_take_turns() -> None:
    pace = GuessingPace()
    sizes = []
    for _ in range(6):
        sizes.append(2 if pace.wants_guess() else 1)
        pace.note_read(sizes[-1], 0.01)
    assert sizes == [2, 1] * 3


def test_the_real_model_writes_the_same(smollm2: Path) -> None:
    request = CompletionRequest(
        Cursor("a.py", "python", TEXT, ""), limits=Limits(40), ending=Ending.RAW, n_candidates=3
    )
    answers: list[Completion] = []
    for guesses in (False, True):
        engine = LlamaEngine(smollm2, EngineOptions(n_ctx=512, guesses=guesses))
        engine.wait_until_loaded(60)
        answers += [engine.submit(request).result(60), engine.submit(request).result(60)]
        engine.close()
    assert len(answers[0].text) > 40
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {len(answer.alternatives) for answer in answers} == {2}
