"""Reuse of the KV cache: its bookkeeping over a scripted context, then what the real one makes of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfill_model.engine import StopReason
from midfill_model.errors import EngineError
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.kv_cache import BRANCH, MAIN, MIN_PARKED_TOKENS, QUICK, KvCache
from midfill_model.local.llama import LlamaContext
from scripted_model import ScriptedContext

N_VOCAB = 1000
MEGABYTE = 1 << 20


def last_token_plus_one(cells: Sequence[int]) -> int:
    return (cells[-1] + 1) % N_VOCAB


def scripted(max_parked_bytes: int = MEGABYTE, n_micro_batch: int = 4) -> tuple[KvCache, ScriptedContext]:
    context = ScriptedContext(last_token_plus_one, N_VOCAB, n_micro_batch)
    return KvCache(context, max_parked_bytes), context


def document(name: int, n_tokens: int = 100) -> list[int]:
    """A prompt that shares nothing with those of other documents."""
    return [name, *range(n_tokens - 1)]


class TestEvaluate:
    @pytest.mark.parametrize(
        ("before", "prompt", "n_outputs", "n_reused"),
        [
            ([], [1, 2, 3], 1, 0),
            ([1, 2, 3], [1, 2, 3, 4, 5], 1, 3),
            ([1, 2, 3], [1, 2, 9, 4], 1, 2),
            ([1, 2, 3], [9, 1, 2], 1, 0),
            ([1, 2, 3, 4, 5], [1, 2, 3], 1, 2),
            ([1, 2, 3], [1, 2, 3], 1, 2),
            ([1, 2, 3, 4], [1, 2, 3, 4], 3, 1),
            ([1], [1], 1, 0),
        ],
        ids=["cold", "typed on", "changed", "other", "deleted", "same", "outputs are read again", "one token"],
    )
    def test_reuse(self, before: list[int], prompt: list[int], n_outputs: int, n_reused: int) -> None:
        cache, context = scripted()
        if before:
            cache.evaluate(before, 1)
        n_read_before = context.n_decoded
        reused, rows = cache.evaluate(prompt, n_outputs)
        assert reused == n_reused
        assert context.n_decoded - n_read_before == len(prompt) - n_reused
        assert context.sequences[MAIN] == prompt
        assert [int(row.argmax()) for row in rows] == [(token + 1) % N_VOCAB for token in prompt[-n_outputs:]]

    @settings(derandomize=True, max_examples=200)
    @given(
        prompts=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=20), min_size=1, max_size=6),
        n_micro_batch=st.integers(1, 7),
        data=st.data(),
    )
    def test_any_prompts(self, prompts: list[list[int]], n_micro_batch: int, data: st.DataObject) -> None:
        cache, context = scripted(n_micro_batch=n_micro_batch)
        for prompt in prompts:
            n_outputs = data.draw(st.integers(1, len(prompt)))
            _, rows = cache.evaluate(prompt, n_outputs)
            assert context.sequences[MAIN] == prompt
            assert [int(row.argmax()) for row in rows] == [token + 1 for token in prompt[-n_outputs:]]

    def test_reads_in_micro_batches(self) -> None:
        cache, context = scripted(n_micro_batch=4)
        cache.evaluate(range(10), 1)
        assert context.batches == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)]

    def test_what_was_written_is_reused_when_it_is_accepted(self) -> None:
        cache, _ = scripted()
        cache.evaluate([1, 2, 3], 1)
        for token in (4, 5):
            cache.append(token)
        assert cache.evaluate([1, 2, 3, 4, 5, 6], 1)[0] == 5

    def test_interrupted_prompts_keep_what_was_read(self) -> None:
        cache, context = scripted(n_micro_batch=4)
        context.interrupt_at = 2
        with pytest.raises(Interrupted):
            cache.evaluate(range(20), 1)
        assert context.sequences[MAIN] == [*range(8)], "half a batch must not stay"
        context.interrupt_at = None
        assert cache.evaluate(range(20), 1)[0] == 8
        assert context.sequences[MAIN] == [*range(20)]

    def test_interrupted_append_keeps_the_rest(self) -> None:
        cache, context = scripted()
        cache.evaluate([1, 2, 3], 1)
        context.interrupt_at = 0
        with pytest.raises(Interrupted):
            cache.append(4)
        assert context.sequences[MAIN] == [1, 2, 3]


class TestBranch:
    def test_leaves_the_main_sequence_alone(self) -> None:
        cache, context = scripted()
        cache.evaluate([1, 2, 3, 4], 1)
        cache.append(5)
        cache.branch(3)
        assert int(cache.append(8, BRANCH).argmax()) == 9
        cache.append(9, BRANCH)
        assert context.sequences[BRANCH] == [1, 2, 3, 8, 9]
        assert context.sequences[MAIN] == [1, 2, 3, 4, 5]
        cache.branch(4)
        assert context.sequences[BRANCH] == [1, 2, 3, 4]
        cache.prune()
        assert context.sequences == {MAIN: [1, 2, 3, 4, 5], BRANCH: [], QUICK: []}
        assert cache.evaluate([1, 2, 3, 4, 5, 6], 1)[0] == 5


class TestTwoPrompts:
    """A whole prompt and a shorter one, side by side."""

    def test_neither_disturbs_the_other(self) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1)
        assert cache.evaluate(document(2), 1, QUICK)[0] == 0
        cache.append(7, QUICK)
        assert cache.evaluate([*document(1), 5], 1)[0] == 100
        assert cache.evaluate([*document(2), 7, 8], 1, QUICK)[0] == 101
        assert context.sequences == {MAIN: [*document(1), 5], BRANCH: [], QUICK: [*document(2), 7, 8]}

    @pytest.mark.parametrize(("source", "target"), [(MAIN, QUICK), (QUICK, MAIN)], ids=["main", "quick"])
    def test_one_goes_on_from_the_other(self, source: int, target: int) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1, source)
        prompt = [*document(1)[:80], 777]
        assert cache.n_missing(prompt) == 1
        reused, rows = cache.evaluate(prompt, 1, target)
        assert reused == 80
        assert int(rows[0].argmax()) == 778
        assert (context.sequences[source], context.sequences[target]) == (document(1), prompt)

    def test_what_gives_way_to_the_other_is_parked(self) -> None:
        cache, _ = scripted()
        cache.evaluate(document(1), 1)
        cache.evaluate(document(2), 1, QUICK)
        assert cache.evaluate(document(2), 1)[0] == 99
        assert cache.evaluate(document(1), 1)[0] == 99

    def test_missing(self) -> None:
        cache, _ = scripted()
        assert cache.n_missing(document(1)) == 100
        for name in (1, 2):
            cache.evaluate(document(name), 1)
        cache.evaluate(document(3), 1, QUICK)
        assert [cache.n_missing([*document(name), 5]) for name in (1, 2, 3, 4)] == [1, 1, 1, 101]

    def test_reading_without_wanting_anything(self) -> None:
        cache, context = scripted()
        assert cache.evaluate(document(1), 0) == (0, [])
        assert cache.evaluate(document(1), 0) == (100, [])
        assert context.n_decoded == 100

    def test_branches_of_the_shorter_one(self) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1)
        cache.evaluate([1, 2, 3], 1, QUICK)
        cache.branch(2, QUICK)
        cache.append(9, BRANCH)
        assert (context.sequences[BRANCH], context.sequences[QUICK]) == ([1, 2, 9], [1, 2, 3])


class TestMicroBatches:
    """Whoever types faster than a micro-batch is read must not wait for ever."""

    def read_until(self, cache: KvCache, context: ScriptedContext, n_batches: int) -> int:
        """Size of the first batch that a read tried, when the next key comes after so many."""
        context.interrupt_at = len(context.batches) + n_batches
        with pytest.raises(Interrupted):
            cache.evaluate(document(1, 900), 1)
        context.interrupt_at = None
        return cache._n_batch

    def test_become_smaller_until_one_is_done(self) -> None:
        cache, context = scripted(n_micro_batch=64)
        assert [self.read_until(cache, context, 0) for _ in range(5)] == [32, 16, 8, 8, 8]
        assert [self.read_until(cache, context, 2) for _ in range(3)] == [8, 8, 8]
        assert context.sequences[MAIN] == document(1, 900)[: 3 * 2 * 8]

    def test_become_larger_when_nothing_interrupts(self) -> None:
        cache, context = scripted(n_micro_batch=64)
        for _ in range(3):
            self.read_until(cache, context, 0)
        sizes = []
        for name in range(4):
            cache.evaluate(document(name, 100), 1)
            sizes.append(cache._n_batch)
        assert sizes == [16, 32, 64, 64]

    def test_typing_says_nothing_of_them(self) -> None:
        cache, context = scripted(n_micro_batch=64)
        self.read_until(cache, context, 0)
        for n_typed in range(3):
            cache.evaluate(document(2, 5 + n_typed), 1)
        assert cache._n_batch == 32


class TestParking:
    def test_two_documents_alternating(self) -> None:
        cache, context = scripted()
        assert [cache.evaluate(document(name), 1)[0] for name in (1, 2)] == [0, 0]
        assert [cache.evaluate(document(name), 1)[0] for name in (1, 2, 1)] == [99, 99, 99]
        assert context.sequences[MAIN] == document(1)

    def test_edited_while_away(self) -> None:
        cache, _ = scripted()
        cache.evaluate(document(1), 1)
        cache.evaluate(document(2), 1)
        assert cache.evaluate([*document(1)[:80], 777], 1)[0] == 80

    @pytest.mark.parametrize("n_tokens", [1, MIN_PARKED_TOKENS - 1])
    def test_small_prompts_are_read_again(self, n_tokens: int) -> None:
        cache, _ = scripted()
        cache.evaluate(document(1, n_tokens), 1)
        cache.evaluate(document(2), 1)
        assert cache.evaluate(document(1, n_tokens), 1)[0] == 0

    def test_small_changes_park_nothing(self) -> None:
        """Typing goes back and forth over a few tokens all the time."""
        cache, context = scripted()
        saved: list[int] = []
        save = context.save
        context.save = lambda sequence: saved.append(sequence) or save(sequence)  # type: ignore[func-returns-value, method-assign]
        for at in range(60, 90):
            cache.evaluate([*document(1)[:at], 777], 1)
        assert not saved

    @pytest.mark.parametrize(
        ("n_states", "visits", "reused"),
        [
            (0, (1, 2, 1, 2), (0, 0, 0, 0)),
            (1, (1, 2, 1, 2), (0, 0, 99, 99)),
            (1, (1, 2, 3, 2, 1), (0, 0, 0, 99, 0)),
            (2, (1, 2, 3, 1, 2, 3), (0, 0, 0, 99, 99, 99)),
            (2, (1, 2, 3, 4, 1, 3), (0, 0, 0, 0, 0, 99)),
            (2, (1, 2, 3, 2, 1), (0, 0, 0, 99, 99)),
        ],
        ids=["none", "one", "newest stays", "three documents", "oldest goes", "what returns makes room"],
    )
    def test_budget(self, n_states: int, visits: Sequence[int], reused: Sequence[int]) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1)
        cache = KvCache(context, max_parked_bytes=len(context.save(MAIN)) * n_states + 1)
        context.truncate(MAIN, 0)
        assert [cache.evaluate(document(name), 1)[0] for name in visits] == list(reused)
        assert sum(len(parked.state) for parked in cache._parked) <= cache._max_parked_bytes

    def test_a_state_larger_than_the_budget_drives_out_no_other(self) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1)
        cache = KvCache(context, max_parked_bytes=len(context.save(MAIN)) + 50)
        context.truncate(MAIN, 0)
        cache.evaluate(document(1), 1)
        cache.evaluate(document(2, 500), 1)
        cache.evaluate(document(3), 1)
        assert cache.evaluate(document(1), 1)[0] == 99

    def test_a_state_that_is_refused_is_read_again(self) -> None:
        cache, context = scripted()
        cache.evaluate(document(1), 1)
        cache.evaluate(document(2), 1)
        context.refuses_states = True
        reused, rows = cache.evaluate(document(1), 1)
        assert reused == 0
        assert int(rows[0].argmax()) == document(1)[-1] + 1
        assert context.sequences[MAIN] == document(1)


# ---- the real model ----

CODE = """import os
from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    amount: int = 1


def total(items):
    return sum(item.price * item.amount for item in items)


def cheapest(items):
    return min(items, key=lambda item: item.price)


def by_name(items):
    result = {}
    for item in items:
        result[item.name] = item
    return result
"""


@pytest.fixture
def tokens(llama: LlamaContext) -> list[int]:
    return llama.vocabulary.encode(CODE)


def greedy(cache: KvCache, tokens: Sequence[int], n_tokens: int) -> list[int]:
    _, rows = cache.evaluate(tokens, 1)
    written = [int(rows[0].argmax())]
    while len(written) < n_tokens:
        written.append(int(cache.append(written[-1]).argmax()))
    return written


def divergence(left: np.ndarray, right: np.ndarray) -> float:
    """Kullback-Leibler divergence of two rows of logits."""
    p, q = (np.exp(row - row.max(), dtype=np.float64) for row in (left, right))
    p, q = p / p.sum(), q / q.sum()
    return float((p * (np.log(p + 1e-30) - np.log(q + 1e-30))).sum())


def cleared(llama: LlamaContext) -> KvCache:
    for sequence in (MAIN, BRANCH):
        llama.truncate(sequence, 0)
    return KvCache(llama, 64 * MEGABYTE)


def test_warm_equals_cold_when_batches_are_split_alike(llama: LlamaContext, tokens: list[int]) -> None:
    """Guaranteed only then: in other batches the sums are taken in another order."""
    n_shared = llama.n_micro_batch
    cold = greedy(cleared(llama), tokens, 12)
    cache = cleared(llama)
    cache.evaluate([*tokens[:n_shared], *llama.vocabulary.encode("# something else\n")], 1)
    reused, rows = cache.evaluate(tokens, 1)
    assert reused == n_shared
    warm = [int(rows[0].argmax())]
    while len(warm) < 12:
        warm.append(int(cache.append(warm[-1]).argmax()))
    assert warm == cold


@pytest.mark.parametrize("n_shared", [1, 63, 65, 100])
def test_warm_is_near_cold_however_batches_are_split(llama: LlamaContext, tokens: list[int], n_shared: int) -> None:
    _, cold = cleared(llama).evaluate(tokens, 5)
    cache = cleared(llama)
    cache.evaluate([*tokens[:n_shared], *llama.vocabulary.encode("# something else\n")], 1)
    reused, warm = cache.evaluate(tokens, 5)
    assert reused == n_shared
    assert max(map(divergence, cold, warm)) < 0.02


def test_real_interrupt_keeps_whole_micro_batches(llama: LlamaContext, interrupt: Interrupt, tokens: list[int]) -> None:
    _, cold = cleared(llama).evaluate(tokens, 1)
    cache = cleared(llama)
    decode, n_batches = llama.decode, 0

    def decode_and_trip(*args: object) -> object:
        nonlocal n_batches
        n_batches += 1
        if n_batches == 2:  # while llama.cpp computes the second one, or a later one on a busy machine
            threading.Timer(0.005, interrupt.trip, [StopReason.CANCELLED]).start()
        return decode(*args)  # type: ignore[arg-type]

    llama.decode = decode_and_trip  # type: ignore[assignment, method-assign]
    try:
        with pytest.raises(Interrupted):
            cache.evaluate(tokens * 8, 1)
    finally:
        del llama.decode  # type: ignore[method-assign]
    interrupt.reset()
    n_kept = llama.n_cached(MAIN)
    assert n_kept >= llama.n_micro_batch
    assert n_kept % llama.n_micro_batch == 0
    reused, warm = cache.evaluate(tokens, 1)
    assert reused == min(n_kept, len(tokens) - 1)
    assert divergence(cold[0], warm[0]) < 0.02


def test_real_state_comes_back(llama: LlamaContext, tokens: list[int]) -> None:
    other = llama.vocabulary.encode("def " + "x = compute(1, 2)\n" * 30)
    cache = cleared(llama)
    _, before = cache.evaluate(tokens, 1)
    cache.evaluate(other, 1)
    reused, after = cache.evaluate(tokens, 1)
    assert reused == len(tokens) - 1
    assert divergence(before[0], after[0]) < 0.02
    assert cache.evaluate(other, 1)[0] == len(other) - 1


def spoiled(state: bytes, other: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "garbage": bytes(range(256)) * 40,
        "zeros": bytes(len(state)),
        "truncated": state[: len(state) // 2],
        "one byte short": state[:-1],
        "one byte more": state + b"\0",
        "backwards": state[::-1],
        "of another model": other,
        "header of another": other[:64] + state[64:],
    }


def test_states_that_do_not_fit_do_no_harm(llama: LlamaContext, tokens: list[int], other_model: LlamaContext) -> None:
    cache = cleared(llama)
    _, cold = cache.evaluate(tokens, 1)
    state = llama.save(MAIN)
    other_model.decode(range(3, 40), 0, MAIN, 1)
    for name, bad in spoiled(state, other_model.save(MAIN)).items():
        assert not llama.restore(MAIN, bad), name
        assert llama.n_cached(MAIN) == 0, name
    assert llama.restore(MAIN, state)
    assert llama.n_cached(MAIN) == len(tokens)
    _, again = cache.evaluate(tokens, 1)
    assert divergence(cold[0], again[0]) < 0.02


def test_real_branch_leaves_the_main_sequence_intact(llama: LlamaContext, tokens: list[int]) -> None:
    cold = greedy(cleared(llama), tokens, 8)
    cache = cleared(llama)
    _, rows = cache.evaluate(tokens, 1)
    cache.branch(len(tokens))
    for token in llama.vocabulary.encode("\n\nclass Elsewhere:\n    def other(self):"):
        cache.append(token, BRANCH)
    assert llama.n_cached(MAIN) == len(tokens)
    written = [int(rows[0].argmax())]
    while len(written) < 8:
        written.append(int(cache.append(written[-1]).argmax()))
    assert written == cold


def test_branch_goes_on_from_the_shared_part(llama: LlamaContext, tokens: list[int]) -> None:
    cache = cleared(llama)
    cache.evaluate(tokens, 1)
    expected = cache.append(tokens[0])
    cache.branch(len(tokens))
    assert divergence(expected, cache.append(tokens[0], BRANCH)) < 1e-3
    cache.prune()
    assert llama.n_cached(BRANCH) == 0


def test_what_llama_cpp_refuses_is_an_error(llama: LlamaContext) -> None:
    llama.decode([1, 2, 3], 0, MAIN, 1)
    with pytest.raises(EngineError, match="cannot evaluate 1 tokens at 7"):
        llama.decode([4], 7, MAIN, 1)
    with pytest.raises(EngineError):
        llama.decode([llama.n_vocab + 5], 3, MAIN, 1)
