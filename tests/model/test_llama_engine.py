"""The engine with real worker processes: answers, cancels, budgets, crashes, refusals."""

from __future__ import annotations

import os
import queue
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from gguf import GGUFWriter

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.ending.hole import MAX_BYTES
from midfill_model.engine import (
    Completion,
    CompletionRequest,
    Ending,
    EngineState,
    EngineStatus,
    Limits,
    Priority,
    Sampling,
    StopReason,
)
from midfill_model.errors import EngineError
from midfill_model.files.random_model import SHAPES, synthetic_vocabulary, write_random_model
from midfill_model.local.llama_engine import LlamaEngine, loaded
from midfill_model.local.reading_speed import FIRST_GUESS_TOKENS_PER_S
from midfill_model.local.wire import EngineOptions
from tiny_gguf import N_CTX, TOKENS, TYPES, write_tiny_gguf

TIMEOUT_S = 60.0
OPTIONS = EngineOptions(max_prompt_tokens=384)  # a second or two of reading
BACK_AGAIN_S = 3.0

# What the model writes without hesitating, and whether it still does.
SUBTRACT = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return"
SUBTRACTED = " a - b"


class Statuses:
    """Every status of an engine in order, to be waited for."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[EngineStatus] = queue.SimpleQueue()

    def __call__(self, status: EngineStatus) -> None:
        self._queue.put(status)

    def wait_for(self, state: EngineState) -> EngineStatus:
        while (status := self._queue.get(timeout=TIMEOUT_S)).state is not state:
            pass
        return status


def wait_until(condition: Callable[[], bool], every_s: float = 0.01) -> None:
    """For what sends no word of its own, such as another process."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(every_s)


def request(prefix: str, suffix: str = "", *, client: str = "", **limits: float) -> CompletionRequest:
    cursor = Cursor("a.py", "python", prefix, suffix)
    return CompletionRequest(cursor, limits=replace(Limits(24), **limits), client=client, ending=Ending.LINE)


def background(prefix: str, *, client: str = "", **limits: float) -> CompletionRequest:
    return replace(request(prefix, client=client, **limits), priority=Priority.BACKGROUND)


@contextmanager
def suspended(engine: LlamaEngine) -> Iterator[None]:
    """The worker takes messages, but does nothing until the end of the block."""
    worker = psutil.Process(engine.worker_pid)
    worker.suspend()
    yield
    with suppress(psutil.NoSuchProcess):
        worker.resume()


def ask(engine: LlamaEngine, asked: CompletionRequest) -> Completion:
    return engine.submit(asked).result(TIMEOUT_S)


def long_text(name: str) -> str:
    """More than a prompt can hold, with a start of its own; ends at the end of a line of code."""
    lines = [f"{name}_{at} = compute_{name}({at}, {at * at % 97}, '{name}')" for at in range(300)]
    return "\n".join(lines)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_computing(engine: LlamaEngine) -> int:
    """Until the worker has spent CPU time on what it was just given; its process id."""
    pid = engine.worker_pid
    assert pid is not None
    cpu_s = sum(psutil.Process(pid).cpu_times()[:2])
    wait_until(lambda: sum(psutil.Process(pid).cpu_times()[:2]) > cpu_s + 0.1)
    return pid


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[LlamaEngine]:
    """One engine for all tests that leave it as they found it."""
    engine = LlamaEngine(smollm2, OPTIONS, name="smollm2-135m")
    try:
        assert engine.wait_until_loaded(TIMEOUT_S) == EngineStatus(EngineState.READY, "smollm2-135m")
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that loads in no time and writes nonsense."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    write_random_model(path, SHAPES["tiny"], synthetic_vocabulary(2000))
    return path


def write_tiny_mamba(path: Path) -> None:
    """A state space model: llama.cpp runs it, but cannot take tokens back."""
    n_hidden, n_inner, n_state, n_conv, n_rank = 32, 64, 16, 4, 2
    tensors = {
        "token_embd.weight": (len(TOKENS), n_hidden),
        "output_norm.weight": (n_hidden,),
        "blk.0.attn_norm.weight": (n_hidden,),
        "blk.0.ssm_in.weight": (2 * n_inner, n_hidden),
        "blk.0.ssm_conv1d.weight": (n_inner, n_conv),
        "blk.0.ssm_conv1d.bias": (n_inner,),
        "blk.0.ssm_x.weight": (n_rank + 2 * n_state, n_inner),
        "blk.0.ssm_dt.weight": (n_inner, n_rank),
        "blk.0.ssm_dt.bias": (n_inner,),
        "blk.0.ssm_a": (n_inner, n_state),
        "blk.0.ssm_d": (n_inner,),
        "blk.0.ssm_out.weight": (n_hidden, n_inner),
    }
    writer = GGUFWriter(path, "mamba")
    writer.add_context_length(N_CTX)
    writer.add_block_count(1)
    writer.add_embedding_length(n_hidden)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_ssm_conv_kernel(n_conv)
    writer.add_ssm_inner_size(n_inner)
    writer.add_ssm_state_size(n_state)
    writer.add_ssm_time_step_rank(n_rank)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types(TYPES)
    writer.add_token_merges(["a b"])
    for name, shape in tensors.items():
        writer.add_tensor(name, np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def open_engine() -> Iterator[Callable[..., LlamaEngine]]:
    """Opens engines and closes them after the test."""
    engines: list[LlamaEngine] = []

    def open_one(path: Path, *args: object) -> LlamaEngine:
        engines.append(LlamaEngine(path, *args))  # type: ignore[arg-type]
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("n_chars", [1_000, 100_000, 400_000, 3_000_000])
def test_the_worker_sees_all_that_the_ending_reads(engine: LlamaEngine, n_chars: int) -> None:
    """Of a part of a file, brackets that the rest closes would look open."""
    half = "call(\n" * (n_chars // 12)
    cursor = Cursor("a.py", "python", half, half)
    seen = engine._for_worker(CompletionRequest(cursor)).cursor
    assert seen == cursor or min(len(seen.prefix), len(seen.suffix)) > MAX_BYTES


class TestAnswers:
    def test_a_line(self, engine: LlamaEngine) -> None:
        completion = ask(engine, request(SUBTRACT))
        assert (completion.text, completion.stop_reason) == (SUBTRACTED, StopReason.LINE)
        timings = completion.timings
        assert timings.n_prompt_tokens > timings.n_reused_tokens >= 0
        assert timings.n_completion_tokens == len(completion.logprobs) > 0
        assert timings.prompt_ms > 0 < timings.decode_ms

    def test_status(self, engine: LlamaEngine) -> None:
        wait_until(lambda: engine.status.state is EngineState.READY)
        future = engine.submit(request(long_text("status"), max_tokens=1))
        assert engine.status.state is EngineState.BUSY
        future.result(TIMEOUT_S)
        wait_until(lambda: engine.status.state is EngineState.READY)

    def test_typing_on_reuses_the_prompt(self, engine: LlamaEngine) -> None:
        text = long_text("reuse")[:1500]
        ask(engine, request(text, max_tokens=2))
        timings = ask(engine, request(text + "\nx = ", max_tokens=2)).timings
        assert timings.n_reused_tokens > 0.95 * timings.n_prompt_tokens

    def test_snippets_are_read(self, engine: LlamaEngine) -> None:
        cursor = Cursor("a.py", "python", "speed = WARP_", "")
        snippet = Snippet(Chunk("b.py", 1, 2, "WARP_FACTOR_NINE = 9\nspeed = WARP_FACTOR_NINE\n"), 1.0, "imported")
        place = CompletionRequest(cursor, limits=Limits(8), ending=Ending.LINE)
        with_it = ask(engine, replace(place, snippets=(snippet,)))
        without = ask(engine, place)
        assert with_it.text == "FACTOR_NINE"
        assert with_it.timings.n_prompt_tokens > without.timings.n_prompt_tokens + 20

    @pytest.mark.parametrize("max_tokens", [0, 1, 5])
    def test_max_tokens(self, engine: LlamaEngine, max_tokens: int) -> None:
        completion = ask(engine, request("x = [1, 2, 3, 4, 5,", max_tokens=max_tokens))
        assert completion.stop_reason is StopReason.MAX_TOKENS
        assert completion.timings.n_completion_tokens == max_tokens

    def test_candidates(self, engine: LlamaEngine) -> None:
        place = request("def area(radius):\n    return")
        greedy = ask(engine, place)
        several = ask(engine, replace(place, n_candidates=4))
        assert several.text == greedy.text
        texts = [several.text, *(each.text for each in several.alternatives)]
        assert len(set(texts)) == len(texts) > 2
        assert all(texts)

    def test_logprobs(self, engine: LlamaEngine) -> None:
        completion = ask(engine, replace(request("import os\nimport sys\nimport "), n_candidates=3))
        for each in (completion, *completion.alternatives):
            assert each.logprobs
            assert all(logprob <= 0 for logprob in each.logprobs)
        assert all(each.logprobs[0] <= completion.logprobs[0] for each in completion.alternatives)

    @pytest.mark.parametrize(
        "sampling",
        [Sampling(1.5, top_p=0.01), Sampling(1.5, min_p=1.0), Sampling(1e-6), Sampling(0.0, seed=9)],
        ids=["top-p", "min-p", "cold", "seed"],
    )
    def test_sampling_that_leaves_one_choice(self, engine: LlamaEngine, sampling: Sampling) -> None:
        place = request("for i in range(10):\n    print(")
        assert ask(engine, replace(place, sampling=sampling)).text == ask(engine, place).text

    def test_temperature(self, engine: LlamaEngine) -> None:
        place = request("# A list of words\nwords = [")

        def drawn(seed: int) -> str:
            return ask(engine, replace(place, sampling=Sampling(1.2, seed=seed))).text

        ask(engine, place)  # from here on all read the same from the cache
        assert drawn(1) == drawn(1)
        assert len({drawn(seed) for seed in range(4)}) > 1


class TestClients:
    def test_the_newest_supersedes_the_older_of_its_client(self, engine: LlamaEngine) -> None:
        old = engine.submit(request(long_text("old"), client="editor"))
        waiting = engine.submit(request("waiting = ", client="editor"))
        other = engine.submit(request("import ", client="another"))
        nameless = [engine.submit(request(f"n{at} = ", max_tokens=2)) for at in range(2)]
        new = engine.submit(request(SUBTRACT, client="editor"))
        for superseded in (old, waiting):
            assert superseded.done(), "it ends when the newer one comes, not when the worker gets to it"
            assert superseded.result() == Completion("", StopReason.SUPERSEDED)
        assert new.result(TIMEOUT_S).text == SUBTRACTED
        for future in (other, *nameless):
            assert future.result(TIMEOUT_S).stop_reason in (StopReason.LINE, StopReason.MAX_TOKENS)

    def test_interleaved_clients_get_their_own_answers(self, engine: LlamaEngine) -> None:
        words = ["red", "green", "blue", "yellow", "black", "white", "brown", "orange"]
        futures = {
            word: engine.submit(request(f"x_{word} = f(x_{word})\n" * 3 + f"x_{word} = f(x_", client=word))
            for word in words
        }
        for word, future in futures.items():
            assert future.result(TIMEOUT_S).text == f"{word})"

    def test_submitting_from_many_threads(self, engine: LlamaEngine) -> None:
        futures: queue.SimpleQueue[Future[Completion]] = queue.SimpleQueue()

        def submit(client: str) -> None:
            for at in range(5):
                futures.put(engine.submit(request(f"{client} = {at} +", client=client, max_tokens=2)))

        threads = [threading.Thread(target=submit, args=[f"client{at}"]) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = [futures.get().result(TIMEOUT_S).stop_reason for _ in range(20)]
        assert set(ended) <= {StopReason.SUPERSEDED, StopReason.MAX_TOKENS, StopReason.LINE}
        assert len(ended) - ended.count(StopReason.SUPERSEDED) >= 4


class TestBackground:
    def test_whoever_types_comes_first(self, engine: LlamaEngine) -> None:
        running = engine.submit(background(long_text("running"), client="a"))
        waiting = engine.submit(background(long_text("waiting"), client="b"))
        wait_until_computing(engine)
        typed = engine.submit(request(SUBTRACT, client="c"))
        for each in (running, waiting):
            assert each.result(0) == Completion("", StopReason.SUPERSEDED)
        assert typed.result(TIMEOUT_S).text == SUBTRACTED

    def test_it_never_ends_what_somebody_waits_for(self, engine: LlamaEngine) -> None:
        typed = engine.submit(request(SUBTRACT, client="editor"))
        behind = engine.submit(background("import ", client="editor"))
        assert typed.result(TIMEOUT_S).text == SUBTRACTED
        assert behind.result(TIMEOUT_S).stop_reason is not StopReason.SUPERSEDED

    def test_the_newest_of_a_client_wins(self, engine: LlamaEngine) -> None:
        futures = [engine.submit(background(f"x{at} = ", client="editor", max_tokens=2)) for at in range(3)]
        other = engine.submit(background("y = ", client="another", max_tokens=2))
        assert [future.result(TIMEOUT_S).stop_reason is StopReason.SUPERSEDED for future in futures] == [1, 1, 0]
        assert other.result(TIMEOUT_S).stop_reason is not StopReason.SUPERSEDED

    def test_a_warm_up_leaves_nothing_to_read(self, engine: LlamaEngine) -> None:
        text = long_text("warm")[:1500]
        warm = ask(engine, background(text, max_tokens=0))
        assert (warm.text, warm.stop_reason) == ("", StopReason.MAX_TOKENS)
        timings = ask(engine, request(text, max_tokens=1)).timings
        assert timings.n_reused_tokens >= timings.n_prompt_tokens - 8, "all but what is healed"

    def test_nobody_is_told_that_it_is_busy(self, engine: LlamaEngine) -> None:
        wait_until(lambda: engine.status.state is EngineState.READY)
        future = engine.submit(background("import "))
        assert engine.status.state is EngineState.READY
        future.result(TIMEOUT_S)


class TestListening:
    def test_the_text_grows_towards_the_completion(self, engine: LlamaEngine) -> None:
        heard: list[str] = []
        completion = engine.submit(request(SUBTRACT), heard.append).result(TIMEOUT_S)
        assert heard
        assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
        assert all(SUBTRACTED.startswith(text) for text in heard)
        assert len(heard) <= completion.timings.n_completion_tokens

    def test_only_its_own(self, engine: LlamaEngine) -> None:
        heard: dict[str, list[str]] = {word: [] for word in ("red", "green")}
        futures = [
            engine.submit(request(f"x_{word} = f(x_{word})\n" * 3 + f"x_{word} = f(x_"), heard[word].append)
            for word in heard
        ]
        wait(futures, TIMEOUT_S)
        assert all(f"{word})".startswith(text) for word, texts in heard.items() for text in texts)

    def test_none_after_the_end(self, engine: LlamaEngine) -> None:
        told = threading.Event()
        heard: list[str] = []

        def hear(text: str) -> None:
            heard.append(text)
            told.set()

        future = engine.submit(request("x = '" + "01" * 40, max_tokens=200), hear)
        assert told.wait(TIMEOUT_S)
        future.cancel()
        ask(engine, request(SUBTRACT))
        n_heard = len(heard)
        ask(engine, request(SUBTRACT))
        assert len(heard) == n_heard < 200


class TestCounting:
    def test_tokens(self, engine: LlamaEngine) -> None:
        counts = engine.count_tokens(["", "x", "def add(a, b):\n    return a + b\n", "名" * 1000]).result(TIMEOUT_S)
        assert counts[:2] == (0, 1)
        assert 10 <= counts[2] <= 16
        assert counts[3] > 500

    def test_before_the_model_is_there(self, tiny: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        with pytest.raises(EngineError, match="not loaded"):
            open_engine(tiny).count_tokens(["x"]).result(0)

    def test_no_answer_from_a_dead_worker(self, engine: LlamaEngine, tiny: Path) -> None:
        mortal = LlamaEngine(tiny)
        mortal.wait_until_loaded(TIMEOUT_S)
        with suspended(mortal):
            count = mortal.count_tokens(["x"])
            mortal.close()
        with pytest.raises(EngineError, match="closed"):
            count.result(TIMEOUT_S)


class TestColdWait:
    """With snippets of its own, in a second sequence."""

    def test_the_file_answers_first_and_the_snippets_follow(
        self, smollm2: Path, open_engine: Callable[..., LlamaEngine]
    ) -> None:
        wait_ms = 100 / FIRST_GUESS_TOKENS_PER_S * 1000  # for 100 tokens, while nothing was measured
        engine = open_engine(
            smollm2, EngineOptions(max_prompt_tokens=256, max_snippet_tokens=200, cold_wait_ms=wait_ms)
        )
        engine.wait_until_loaded(TIMEOUT_S)
        snippet = Snippet(Chunk("b.py", 1, 2, long_text("snippet")[:300]), 1.0, "imported")
        place = replace(request("x = snippet_"), snippets=(snippet,))
        first = ask(engine, place)
        assert first.text
        assert first.timings.n_context_tokens == 0
        wait_until(lambda: ask(engine, place).timings.n_context_tokens > 100, every_s=1.0)

    def test_a_crash_while_reading_on(self, smollm2: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        statuses = Statuses()
        engine = open_engine(smollm2, replace(OPTIONS, cold_wait_ms=1), statuses)
        statuses.wait_for(EngineState.READY)
        ask(engine, request(long_text("read on"), max_tokens=1))
        pid = wait_until_computing(engine)
        os.kill(pid, signal.SIGKILL)
        statuses.wait_for(EngineState.LOADING)
        statuses.wait_for(EngineState.READY)
        assert ask(engine, request(SUBTRACT)).text == SUBTRACTED


class TestCancel:
    def test_the_worker_stops_and_answers_the_next(self, engine: LlamaEngine) -> None:
        text = long_text("cancel")
        future = engine.submit(request(text))
        wait_until_computing(engine)
        assert future.cancel()
        assert ask(engine, request(SUBTRACT)).text == SUBTRACTED
        timings = ask(engine, request(text, max_tokens=1)).timings
        assert timings.n_reused_tokens < timings.n_prompt_tokens - 64, "it had read on to the end"

    def test_a_waiting_request_is_never_begun(self, engine: LlamaEngine) -> None:
        first = engine.submit(request(long_text("first"), max_tokens=2))
        waiting = engine.submit(request(long_text("waiting")))
        assert waiting.cancel()
        with pytest.raises(CancelledError):
            waiting.result(0)
        assert first.result(TIMEOUT_S).stop_reason is not StopReason.CANCELLED
        assert ask(engine, request(long_text("waiting"), max_tokens=1)).timings.n_reused_tokens == 0

    def test_storm(self, engine: LlamaEngine) -> None:
        rng = random.Random(5)
        futures = []
        for at in range(60):
            client = rng.choice(["", "a", "b"])
            futures.append(engine.submit(request(f"x{at} = {at} +", client=client, max_tokens=2)))
            if rng.random() < 0.6:
                rng.choice(futures).cancel()
        assert not wait(futures, TIMEOUT_S).not_done
        assert all(future.cancelled() or future.exception() is None for future in futures)
        assert ask(engine, request(SUBTRACT)).text == SUBTRACTED
        wait_until(lambda: engine.status.state is EngineState.READY)


class TestBudgets:
    def test_prompt(self, engine: LlamaEngine) -> None:
        """Half-way; how long that takes depends on who else is on the machine, hence several tries."""
        budget_ms = ask(engine, request(long_text("measure"), max_tokens=1)).timings.prompt_ms / 2
        n_reused = []
        for at in range(8):
            text = long_text(f"budget{at}")
            completion = ask(engine, request(text, prompt_ms=budget_ms))
            if completion.stop_reason is not StopReason.DEADLINE:
                budget_ms /= 2
                continue
            assert completion.text == ""
            assert completion.timings.prompt_ms >= budget_ms * 0.9
            timings = ask(engine, request(text, max_tokens=1)).timings
            assert timings.n_reused_tokens < timings.n_prompt_tokens - 64, "it had read on to the end"
            n_reused.append(timings.n_reused_tokens)
            if n_reused[-1]:
                break
            budget_ms *= 1.5
        assert n_reused
        assert n_reused[-1] > 0, "what was read is kept"

    def test_decoding(self, engine: LlamaEngine) -> None:
        completion = ask(engine, request("x = '" + "01" * 40, max_tokens=250, decode_ms=500))
        assert completion.stop_reason is StopReason.DEADLINE
        assert completion.text, "what is written until then is there"
        assert ("01" * 100).startswith(completion.text[:4]), "be it one digit, on a busy machine"
        assert len(completion.logprobs) == completion.timings.n_completion_tokens < 200
        assert completion.timings.decode_ms > 450
        assert ask(engine, request(SUBTRACT)).text == SUBTRACTED

    @pytest.mark.parametrize("limits", [{"prompt_ms": 0}, {"decode_ms": 0}, {"prompt_ms": -1}], ids=str)
    def test_no_time_at_all(self, engine: LlamaEngine, limits: dict[str, float]) -> None:
        completion = ask(engine, request("import os\nimport ", **limits))
        assert completion.stop_reason is StopReason.DEADLINE


class TestTexts:
    @pytest.mark.parametrize(
        ("path", "prefix", "suffix"),
        [
            pytest.param("mein Ordner/größe 名前.py", "x = ", "\n", id="path with blanks"),
            pytest.param("a\nb\0.py", "x = ", "\n", id="path with controls"),
            pytest.param("\udcff\ud800.py", "x = ", "\n", id="path of bytes"),
            pytest.param("a.py", "x = '\ud800", "\udfff'", id="lone surrogates"),
            pytest.param("a.py", "\ud83d", "\ude42", id="cut surrogate pair"),
            pytest.param("a.py", "a\0b\0\0", "\0", id="NUL"),
            pytest.param("a.py", "\ufeff\u2028\u2029\x0c\x85 = ", "\u202e\n", id="separators"),
            pytest.param("a.py", "🏴\U000e0067\U000e0062 e\u0301\u200d", "\U0010ffff", id="joined"),
            pytest.param("a.py", "x = [" + "1, " * 40_000, "]", id="huge line"),
            pytest.param("a.py", " " * 100_000, "", id="blanks"),
            pytest.param("a.py", "\n" * 100_000, "\n" * 100_000, id="newlines"),
            pytest.param("a.py", "<|endoftext|><|im_start|>", "<|im_end|>", id="markers"),
            pytest.param("", "", "rest\n", id="empty prefix"),
            pytest.param("", "", "", id="empty"),
        ],
    )
    def test_odd(self, engine: LlamaEngine, path: str, prefix: str, suffix: str) -> None:
        pid = engine.worker_pid
        snippet = Snippet(Chunk(path, 1, 1, prefix[:50]), 1.0, suffix[:9])
        cursor = Cursor(path, "python", prefix, suffix)
        completion = ask(engine, CompletionRequest(cursor, (snippet,), limits=Limits(3)))
        assert completion.stop_reason is not StopReason.ENGINE_FAILED
        completion.text.encode()
        assert engine.worker_pid == pid

    def test_a_huge_file_does_not_hold_up_the_caller(self, engine: LlamaEngine) -> None:
        text = "total = total + 1  # count\n" * 200_000
        assert len(text) > 5_000_000
        place = request(text + "total", text, max_tokens=4)
        cpu_s = time.thread_time()
        future = engine.submit(place)
        cpu_s = time.thread_time() - cpu_s
        assert cpu_s < 0.1
        completion = future.result(TIMEOUT_S)
        assert completion.text.startswith(" = total")
        assert completion.timings.n_prompt_tokens <= OPTIONS.max_prompt_tokens

    def test_a_prompt_longer_than_the_context(self, smollm2: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        small = open_engine(smollm2, EngineOptions(n_ctx=256, max_prompt_tokens=8192))
        assert small.wait_until_loaded(TIMEOUT_S).state is EngineState.READY
        completion = ask(small, replace(request(long_text("x"), max_tokens=1000), n_candidates=3))
        assert completion.text
        assert 0 < completion.timings.n_prompt_tokens < 256


class TestLoading:
    def test_requests_are_answered_at_once(self, tiny: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        statuses = Statuses()
        engine = open_engine(tiny, None, statuses)
        future = engine.submit(request("x"))
        assert future.done()
        assert future.result() == Completion("", StopReason.LOADING)
        assert engine.status == EngineStatus(EngineState.LOADING, "tiny")
        statuses.wait_for(EngineState.READY)
        assert ask(engine, request("x")).stop_reason is not StopReason.LOADING

    def test_file_names(self, tiny: Path, tmp_path: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        """Also such as are no UTF-8."""
        path = Path(os.fsdecode(os.fsencode(tmp_path / "mein Modell ü") + b"\xff.gguf"))
        path.symlink_to(tiny)
        engine = open_engine(path)
        assert engine.wait_until_loaded(TIMEOUT_S).state is EngineState.READY

    def test_prompt_format_by_name(self, tiny: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        engine = open_engine(tiny, EngineOptions(prompt_format="prefix-only"))
        assert engine.wait_until_loaded(TIMEOUT_S).state is EngineState.READY

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("no file", "no such file|no file"),
            ("truncated", "cut short"),
            ("wrong magic", "not a GGUF"),
            ("architecture", "'zonkformer' is not known to llama.cpp; choose another model"),
            ("tokenizer", "has no tokenizer; convert the checkpoint again"),
            ("context", f"trained for {N_CTX} tokens of context .* set contextTokens to {N_CTX} or less"),
            ("tensors", "llama.cpp cannot load .*error loading model.*; get the file again or choose another"),
            ("recurrent", "running state .*; choose a model with attention in all layers"),
            ("format", "there is no prompt format 'gpt5'"),
            ("sentinels", "no <fim_prefix> for prompt format starcoder2"),
        ],
    )
    def test_refusals_say_what_to_do(
        self, kind: str, reason: str, tiny: Path, tmp_path: Path, open_engine: Callable[..., LlamaEngine]
    ) -> None:
        path = tmp_path / "model.gguf"
        options = EngineOptions()
        if kind == "truncated":
            path.write_bytes(tiny.read_bytes()[:-1000])
        elif kind == "wrong magic":
            path.write_bytes(b"PK\3\4" + bytes(1000))
        elif kind == "architecture":
            write_tiny_gguf(path, architecture="zonkformer")
        elif kind == "tokenizer":
            write_tiny_gguf(path, tokenizer=None)
        elif kind == "context":
            write_tiny_gguf(path)
            options = EngineOptions(n_ctx=N_CTX + 1)
        elif kind == "tensors":
            write_tiny_gguf(path)
        elif kind == "recurrent":
            write_tiny_mamba(path)
        elif kind in ("format", "sentinels"):
            path = tiny
            options = EngineOptions(prompt_format={"format": "gpt5", "sentinels": "starcoder2"}[kind])
        engine = open_engine(path, options)
        status = engine.wait_until_loaded(TIMEOUT_S)
        assert status.state is EngineState.ERROR
        assert status.reason
        assert re.search(reason, status.reason), status.reason
        assert engine.submit(request("x")).result(0) == Completion("", StopReason.ENGINE_FAILED)


class TestCrashes:
    def test_killed_in_mid_request(self, smollm2: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        statuses = Statuses()
        started = time.monotonic()
        engine = open_engine(smollm2, OPTIONS, statuses)
        statuses.wait_for(EngineState.READY)
        load_s = time.monotonic() - started
        futures = [engine.submit(request(long_text("kill"))), engine.submit(request("waiting"))]
        pid = wait_until_computing(engine)
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        for future in futures:
            assert future.result(BACK_AGAIN_S) == Completion("", StopReason.ENGINE_FAILED)
        assert "SIGKILL" in statuses.wait_for(EngineState.LOADING).reason
        assert engine.submit(request("x")).result(0).stop_reason is StopReason.LOADING
        assert engine.wait_until_loaded(TIMEOUT_S).state is EngineState.READY
        assert time.monotonic() - killed < BACK_AGAIN_S + 2 * load_s
        assert engine.worker_pid != pid
        assert ask(engine, request(SUBTRACT)).text == SUBTRACTED

    def test_gives_up_after_repeated_crashes(self, tiny: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        engine = open_engine(tiny)
        killed: set[int | None] = {None}

        def kill_the_next() -> bool:
            pid = engine.worker_pid
            if pid not in killed:
                killed.add(pid)
                os.kill(pid or 0, signal.SIGKILL)
            return engine.status.state is EngineState.ERROR

        wait_until(kill_the_next)
        assert len(killed) - 1 == 5
        reason = engine.wait_until_loaded(TIMEOUT_S).reason
        assert "SIGKILL" in reason
        assert "restart the engine" in reason
        assert engine.submit(request("x")).result(0) == Completion("", StopReason.ENGINE_FAILED)

    def test_last_words(self, tiny: Path, open_engine: Callable[..., LlamaEngine]) -> None:
        """A worker that fails in Python says on which error."""
        statuses = Statuses()
        engine = open_engine(tiny, EngineOptions(n_micro_batch="many"), statuses)  # type: ignore[arg-type]
        assert engine.submit(request("x")).done()
        crash = statuses.wait_for(EngineState.LOADING)
        assert "exit code 1" in crash.reason
        assert "TypeError" in crash.reason

    def test_python_that_cannot_be_started(
        self, tiny: Path, monkeypatch: pytest.MonkeyPatch, open_engine: Callable[..., LlamaEngine]
    ) -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        status = open_engine(tiny).wait_until_loaded(TIMEOUT_S)
        assert status.state is EngineState.ERROR
        assert "/nowhere/python" in status.reason

    def test_late(self, tiny: Path) -> None:
        engine = LlamaEngine(tiny)
        with pytest.raises(EngineError, match="did not load in time"), loaded(engine, 0):
            pass
        assert engine.status.state is EngineState.CLOSED


ORPHAN = """
import sys
from pathlib import Path
from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest
from midfill_model.local.llama_engine import LlamaEngine

engine = LlamaEngine(Path(sys.argv[1]))
if sys.argv[2] != "loading":
    engine.wait_until_loaded()
if sys.argv[2] == "busy":
    engine.submit(CompletionRequest(Cursor("", "", sys.argv[3], "")))
while engine.worker_pid is None:
    pass
print(engine.worker_pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("moment", ["loading", "idle", "busy"])
def test_the_worker_ends_with_its_killed_parent(smollm2: Path, moment: str) -> None:
    command = [sys.executable, "-c", ORPHAN, str(smollm2), moment, long_text("orphan")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert is_running(worker)
        parent.kill()
    wait_until(lambda: not is_running(worker))


class TestClose:
    def test_pending_requests_end(self, smollm2: Path) -> None:
        statuses = Statuses()
        engine = LlamaEngine(smollm2, on_status=statuses)
        statuses.wait_for(EngineState.READY)
        futures = [engine.submit(request(long_text(f"close{at}"))) for at in range(3)]
        pid = engine.worker_pid
        assert pid is not None
        engine.close()
        assert [future.result(0) for future in futures] == [Completion("", StopReason.CANCELLED)] * 3
        assert not is_running(pid)
        assert engine.status.state is EngineState.CLOSED
        assert engine.submit(request("x")).result(0) == Completion("", StopReason.ENGINE_FAILED)
        engine.close()
        assert engine.status.state is EngineState.CLOSED
        statuses.wait_for(EngineState.CLOSED)

    def test_while_loading(self, tiny: Path) -> None:
        engine = LlamaEngine(tiny)
        engine.close()
        assert engine.wait_until_loaded(0).state is EngineState.CLOSED
        pid = engine.worker_pid
        assert pid is None or not is_running(pid)

    def test_from_several_threads(self, tiny: Path) -> None:
        engine = LlamaEngine(tiny)
        engine.wait_until_loaded(TIMEOUT_S)
        threads = [threading.Thread(target=engine.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_S)
        assert not any(thread.is_alive() for thread in threads)
        assert engine.worker_pid is not None
        assert not is_running(engine.worker_pid)

    def test_while_waiting_to_start_again(self, tiny: Path) -> None:
        statuses = Statuses()
        engine = LlamaEngine(tiny, on_status=statuses)
        statuses.wait_for(EngineState.READY)
        os.kill(engine.worker_pid or 0, signal.SIGKILL)
        statuses.wait_for(EngineState.LOADING)
        engine.close()
        assert engine.status.state is EngineState.CLOSED
        assert not is_running(engine.worker_pid or 0)
