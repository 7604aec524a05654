"""Writes a completion: reads the prompt, heals the cut, then one token after the other until the ending says stop."""

from __future__ import annotations

import codecs
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from midfill_model.ending import TextEnding, completion_of, ending_of
from midfill_model.engine import Completion, CompletionRequest, StopReason, TextListener, Timings
from midfill_model.local.forking import Fork, Trace
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.kv_cache import BRANCH, KvCache
from midfill_model.local.prompt_choice import PromptChoice
from midfill_model.local.prompt_lookup import GuessingPace, Reader
from midfill_model.local.sampling import Logits, choose
from midfill_model.prompts.prompt import Prompt
from midfill_model.prompts.vocabulary import PieceIndex

# Tokens of its own choice that a model may spend on bytes that healing took back.
MAX_OVERHANG = 16


def n_branched_tokens(max_tokens: int) -> int:
    """Room for a completion and one alternative to it."""
    return 2 * (max_tokens + MAX_OVERHANG + 1)  # and a guess


@dataclass(frozen=True)
class Start:
    """Where writing begins: so many tokens of a sequence are cached, these are the logits after them, and these bytes
    are owed. Of a completion that forks, these bytes and tokens are written, and this is the next token."""

    sequence: int
    n_cached: int
    logits: Logits
    owed: bytes
    written: bytes = b""
    logprobs: tuple[float, ...] = ()
    fork: Fork | None = None


class Decoder:
    """Runs one request at a time over one KV cache. With a `pace`, tokens are guessed where that pays."""

    def __init__(
        self,
        cache: KvCache,
        choice: PromptChoice,
        pieces: Sequence[bytes],
        index: PieceIndex,
        interrupt: Interrupt,
        n_ctx: int,
        pace: GuessingPace | None = None,
    ) -> None:
        self._cache = cache
        self._choice = choice
        self._pieces = pieces
        self._index = index
        self._interrupt = interrupt
        self._n_ctx = n_ctx
        self._pace = pace

    def complete(self, request: CompletionRequest, on_text: TextListener | None = None) -> Completion:
        """The completion and its alternatives; interrupted ones have the text so far and the reason.

        `on_text` gets the text of the first candidate after every token that does not end it.
        """
        max_tokens = min(request.limits.max_tokens, self._n_ctx // 4)
        request = replace(request, limits=replace(request.limits, max_tokens=max_tokens))
        ending = ending_of(request)
        if ending.needs_nothing and max_tokens:  # what is still to be read of the last prompt goes on being read
            return Completion("", StopReason.NOTHING_NEEDED)
        prompt, sequence = self._choice.choose(request, n_branched_tokens(max_tokens))
        if not prompt.tokens:
            return Completion("", StopReason.NOTHING_TO_CONTINUE)
        started = time.perf_counter()
        timings = Timings(n_prompt_tokens=len(prompt.drafted), n_context_tokens=prompt.n_snippet_tokens)
        rng = np.random.default_rng(request.sampling.seed)
        try:
            with self._interrupt.deadline(request.limits.prompt_ms):
                n_reused, rows = self._cache.evaluate(prompt.drafted, len(prompt.draft) + 1, sequence)
            read = time.perf_counter()
            timings = replace(timings, n_reused_tokens=n_reused, prompt_ms=(read - started) * 1000)
            if not max_tokens:
                return Completion("", StopReason.MAX_TOKENS, timings)
            with self._interrupt.deadline(request.limits.decode_ms):
                start = self._heal(prompt, rows, sequence, request, rng)
                trace = Trace(2 * request.n_candidates - 1) if request.n_candidates > 1 else None
                first = self._write(start, request, ending, rng, trace, on_text)
                others = self._alternatives(start, first, trace, request, ending, rng) if trace else []
        except Interrupted:
            elapsed_ms = (time.perf_counter() - started) * 1000 - timings.prompt_ms
            return Completion("", self._reason(), _add_ms(timings, elapsed_ms, decoding=timings.prompt_ms > 0))
        timings = replace(
            timings,
            n_completion_tokens=len(first.logprobs),
            decode_ms=(time.perf_counter() - read) * 1000,
        )
        return replace(first, timings=timings, alternatives=tuple(others))

    def _reason(self) -> StopReason:
        return self._interrupt.reason or StopReason.CANCELLED

    def _heal(
        self, prompt: Prompt, rows: list[Logits], sequence: int, request: CompletionRequest, rng: np.random.Generator
    ) -> Start:
        """Let the model spell the bytes that were taken back, up to the first token that goes beyond them.

        The draft was read with the prompt: as long as the model agrees with it, nothing has to be decoded. A model
        that spells the bytes in crumbs (an indentation blank by blank) is held to the draft after all.
        """
        owed, logits = prompt.healed, rows[0]
        n_cached, draft = len(prompt.tokens), prompt.draft
        n_crumbs = 0
        while owed:
            if n_crumbs == MAX_OVERHANG:
                _, rows = self._cache.evaluate(prompt.drafted, 1, sequence)
                return Start(sequence, len(prompt.drafted), rows[0], b"")
            allowed = self._index.agreeing(owed)
            if not allowed.size:
                break
            token, _ = choose(logits, request.sampling, rng, allowed)
            piece = self._pieces[token]
            if len(piece) > len(owed):
                break
            owed = owed[len(piece) :]
            n_agreed = n_cached - len(prompt.tokens)
            n_cached += 1
            if draft[n_agreed : n_agreed + 1] == (token,):
                logits = rows[n_agreed + 1]
            else:
                draft = ()
                n_crumbs += 1
                self._cache.truncate(n_cached - 1, sequence)
                logits = self._cache.append(token, sequence)
        return Start(sequence, n_cached, logits, owed)

    def _write(
        self,
        start: Start,
        request: CompletionRequest,
        ending: TextEnding,
        rng: np.random.Generator,
        trace: Trace | None = None,
        on_text: TextListener | None = None,
    ) -> Completion:
        """One candidate; `trace` is told where others may leave it."""
        self._cache.truncate(start.n_cached, start.sequence)
        owed, logits, fork = start.owed, start.logits, start.fork
        decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        text = decoder.decode(start.written)
        logprobs = list(start.logprobs)
        reader = Reader(self._cache, start.n_cached, start.sequence, self._pace)
        while len(logprobs) < request.limits.max_tokens:
            allowed = self._index.agreeing(owed) if owed else None
            if allowed is not None and not allowed.size:  # a vocabulary that cannot spell what is owed
                return Completion("", StopReason.END_OF_TEXT)
            token, logprob = (fork.token, fork.logprob) if fork else choose(logits, request.sampling, rng, allowed)
            fork = None
            if trace:
                trace.note(logits, allowed, token, logprob)
            if token in self._choice.stop:
                return completion_of(ending.finish(text, StopReason.END_OF_TEXT), logprobs, request.min_logprob)
            logprobs.append(logprob)
            piece = self._pieces[token]
            text += decoder.decode(piece[len(owed) :])
            owed = owed[len(piece) :]
            ended = ending.cut(text)
            if ended:
                return completion_of(ended, logprobs, request.min_logprob)
            if on_text:
                on_text(text)
            if len(logprobs) == request.limits.max_tokens:
                break  # what would follow is not asked any more
            try:
                logits = reader.read(token)
            except Interrupted:
                return completion_of(ending.finish(text, self._reason()), logprobs, request.min_logprob)
        return completion_of(ending.finish(text, StopReason.MAX_TOKENS), logprobs, request.min_logprob)

    def _alternatives(
        self,
        start: Start,
        first: Completion,
        trace: Trace,
        request: CompletionRequest,
        ending: TextEnding,
        rng: np.random.Generator,
    ) -> list[Completion]:
        """Further candidates that leave the first where they may, until the budget ends. What it breaks off is none.

        Two tokens may lead to one text (`ret` `urn` and `return`): twice as many are tried at most.
        """
        others: list[Completion] = []
        known = {"", _unspaced(first.text)}
        for fork in trace.likeliest():
            self._cache.branch(start.n_cached + fork.n_shared, start.sequence)
            other = self._write(self._forked(start, first, trace, fork), request, ending, rng)
            if self._interrupt.reason is not None:
                break
            if _unspaced(other.text) not in known:
                known.add(_unspaced(other.text))
                others.append(other)
            if len(others) == request.n_candidates - 1:
                break
        self._cache.prune()
        return others

    def _forked(self, start: Start, first: Completion, trace: Trace, fork: Fork) -> Start:
        """Behind the tokens that a fork shares with the first candidate."""
        shared = b"".join(self._pieces[token] for token in trace.tokens[: fork.n_shared])
        return replace(
            start,
            sequence=BRANCH,
            n_cached=start.n_cached + fork.n_shared,
            owed=start.owed[len(shared) :],
            written=shared[len(start.owed) :],
            logprobs=first.logprobs[: fork.n_shared],
            fork=fork,
        )


def _unspaced(text: str) -> str:
    """What tells texts apart that are more than spaced otherwise."""
    return "".join(text.split())


def _add_ms(timings: Timings, elapsed_ms: float, *, decoding: bool) -> Timings:
    if decoding:
        return replace(timings, decode_ms=elapsed_ms)
    return replace(timings, prompt_ms=elapsed_ms)
