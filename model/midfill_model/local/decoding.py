"""Writes a completion: reads the prompt, heals the cut, then one token after the other until the ending says stop."""

from __future__ import annotations

import codecs
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from midfill_model.ending import LineEnding, RawEnding, ending_of
from midfill_model.engine import Completion, CompletionRequest, StopReason, Timings
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.kv_cache import BRANCH, MAIN, KvCache
from midfill_model.local.sampling import Logits, choose
from midfill_model.prompts.prompt import Prompt, PromptBuilder
from midfill_model.prompts.vocabulary import PieceIndex

# Tokens of its own choice that a model may spend on bytes that healing took back.
MAX_OVERHANG = 16


@dataclass(frozen=True)
class Start:
    """Where writing begins: so many tokens are cached, these are the logits after them, and these bytes are owed."""

    n_cached: int
    logits: Logits
    owed: bytes


class Decoder:
    """Runs one request at a time over one KV cache."""

    def __init__(
        self,
        cache: KvCache,
        builder: PromptBuilder,
        pieces: Sequence[bytes],
        index: PieceIndex,
        interrupt: Interrupt,
        n_ctx: int,
        max_prompt_tokens: int,
    ) -> None:
        self._cache = cache
        self._builder = builder
        self._pieces = pieces
        self._index = index
        self._interrupt = interrupt
        self._n_ctx = n_ctx
        self._max_prompt_tokens = max_prompt_tokens

    def complete(self, request: CompletionRequest) -> Completion:
        """The completion and its alternatives; interrupted ones have the text so far and the reason."""
        max_tokens = min(request.limits.max_tokens, self._n_ctx // 4)
        request = replace(request, limits=replace(request.limits, max_tokens=max_tokens))
        n_room = self._n_ctx - 2 * (max_tokens + MAX_OVERHANG)  # for the main and one branch sequence
        prompt = self._builder.build(request.cursor, request.snippets, min(self._max_prompt_tokens, n_room))
        if not prompt.tokens:
            return Completion("", StopReason.NOTHING_TO_CONTINUE)
        started = time.perf_counter()
        timings = Timings(n_prompt_tokens=len(prompt.tokens) + len(prompt.draft))
        ending = ending_of(request)
        rng = np.random.default_rng(request.sampling.seed)
        try:
            with self._interrupt.deadline(request.limits.prompt_ms):
                n_reused, rows = self._cache.evaluate((*prompt.tokens, *prompt.draft), len(prompt.draft) + 1)
            read = time.perf_counter()
            timings = replace(timings, n_reused_tokens=n_reused, prompt_ms=(read - started) * 1000)
            with self._interrupt.deadline(request.limits.decode_ms):
                start = self._heal(prompt, rows, request, rng)
                first = self._write(start, request, ending, rng)
                others = self._alternatives(start, first, request, ending, rng)
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

    def _heal(self, prompt: Prompt, rows: list[Logits], request: CompletionRequest, rng: np.random.Generator) -> Start:
        """Let the model spell the bytes that were taken back, up to the first token that goes beyond them.

        The draft was read with the prompt: as long as the model agrees with it, nothing has to be decoded. A model
        that spells the bytes in crumbs (an indentation blank by blank) is held to the draft after all.
        """
        owed, logits = prompt.healed, rows[0]
        n_cached, draft = len(prompt.tokens), prompt.draft
        n_crumbs = 0
        while owed:
            if n_crumbs == MAX_OVERHANG:
                drafted = (*prompt.tokens, *prompt.draft)
                _, rows = self._cache.evaluate(drafted, 1)
                return Start(len(drafted), rows[0], b"")
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
                self._cache.truncate(n_cached - 1)
                logits = self._cache.append(token)
        return Start(n_cached, logits, owed)

    def _write(
        self,
        start: Start,
        request: CompletionRequest,
        ending: LineEnding | RawEnding,
        rng: np.random.Generator,
        sequence: int = MAIN,
        rank: int = 0,
    ) -> Completion:
        """One candidate; `rank` makes its first token the rank-th best, so that candidates differ."""
        if sequence == MAIN:
            self._cache.truncate(start.n_cached)
        owed, logits = start.owed, start.logits
        decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        text = ""
        logprobs: list[float] = []
        while len(logprobs) < request.limits.max_tokens:
            allowed = self._index.agreeing(owed) if owed else None
            if allowed is not None and not allowed.size:  # a vocabulary that cannot spell what is owed
                return Completion("", StopReason.END_OF_TEXT)
            token, logprob = choose(logits, request.sampling, rng, allowed, 0 if logprobs else rank)
            if token in self._builder.stop:
                return Completion(*ending.finish(text, StopReason.END_OF_TEXT), logprobs=tuple(logprobs))
            logprobs.append(logprob)
            piece = self._pieces[token]
            text += decoder.decode(piece[len(owed) :])
            owed = owed[len(piece) :]
            ended = ending.cut(text)
            if ended:
                return Completion(*ended, logprobs=tuple(logprobs))
            try:
                logits = self._cache.append(token, sequence)
            except Interrupted:
                return Completion(text, self._reason(), logprobs=tuple(logprobs))
        return Completion(*ending.finish(text, StopReason.MAX_TOKENS), logprobs=tuple(logprobs))

    def _alternatives(
        self,
        start: Start,
        first: Completion,
        request: CompletionRequest,
        ending: LineEnding | RawEnding,
        rng: np.random.Generator,
    ) -> list[Completion]:
        """Further candidates that share the prompt's KV cache, until the budget ends.

        Two first tokens may lead to one text (`ret` `urn` and `return`): twice as many are tried at most.
        """
        others: dict[str, Completion] = {}
        for rank in range(1, 2 * request.n_candidates):
            if len(others) == request.n_candidates - 1 or self._interrupt.reason is not None:
                break
            self._cache.branch(start.n_cached)
            other = self._write(start, request, ending, rng, BRANCH, rank)
            if other.text not in ("", first.text):
                others.setdefault(other.text, other)
        self._cache.prune()
        return list(others.values())


def _add_ms(timings: Timings, elapsed_ms: float, *, decoding: bool) -> Timings:
    if decoding:
        return replace(timings, decode_ms=elapsed_ms)
    return replace(timings, prompt_ms=elapsed_ms)
