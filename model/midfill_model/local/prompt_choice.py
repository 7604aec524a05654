"""Which prompt answers a request: the whole one if it is read in time, else a shorter one while it is read beside it.

On a CPU reading is what takes long. A prompt with snippets of other files takes seconds where nothing of it is cached,
and somebody who types waits for none of them. So a shorter prompt answers from a sequence of its own, and the whole one
is read when the engine is idle, piece by piece, until what is missing of it fits into the wait. From then on it answers
and follows the typing, because that appends to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, takewhile

from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest
from midfill_model.local.interrupt import Interrupted
from midfill_model.local.kv_cache import MAIN, QUICK, KvCache
from midfill_model.prompts.prompt import Prompt, PromptBuilder

# With less of the file a completion is not worth having.
MIN_QUICK_TOKENS = 128


@dataclass(frozen=True)
class PromptSizes:
    """Room for prompts and what is written behind them, in tokens, and how long somebody may wait for one to be read.

    Without `max_snippet_tokens` snippets get what the file leaves; without `cold_wait_ms` the whole prompt always
    answers. `n_ctx` is the room in `MAIN`, `n_ctx_quick` that in `QUICK`, of which `n_written` at least stay free.
    """

    n_ctx: int
    max_prompt_tokens: int
    max_snippet_tokens: int | None = None
    cold_wait_ms: float | None = None
    n_ctx_quick: int = 0
    n_written: int = 0


class PromptChoice:
    """Remembers what is still to be read, and how large the shorter prompts are."""

    def __init__(self, builder: PromptBuilder, cache: KvCache, sizes: PromptSizes) -> None:
        self.stop = builder.stop
        self._builder = builder
        self._cache = cache
        self._sizes = sizes
        self._n_quick_tokens = sizes.max_prompt_tokens
        self._n_written = sizes.n_written
        self._unread: tuple[int, ...] = ()

    def choose(self, request: CompletionRequest, n_written: int) -> tuple[Prompt, int]:
        """The prompt that answers and the sequence to read it in; `n_written` tokens may follow it."""
        self._n_written = max(self._n_written, n_written)  # else a warm-up would lay out another prompt
        prompt = self._whole(request, self._sizes.n_ctx - self._n_written)
        self._unread = ()
        if not request.limits.max_tokens or self._is_quick(prompt):  # nobody waits for a warm-up
            return prompt, MAIN
        self._unread = prompt.drafted
        return self._shorter(request.cursor, self._sizes.n_ctx_quick - self._n_written), QUICK

    @property
    def has_unread(self) -> bool:
        """Whether the last answer had to do without the whole prompt."""
        return bool(self._unread)

    def read_on(self) -> None:
        """Read the whole prompt of the last answer, until interrupted; what was read stays."""
        try:
            self._cache.evaluate(self._unread, 0, MAIN)
        except Interrupted:
            return
        self._unread = ()

    def _whole(self, request: CompletionRequest, n_room: int) -> Prompt:
        n_file = min(self._sizes.max_prompt_tokens, n_room)
        n_snippets = self._sizes.max_snippet_tokens
        if n_snippets is not None:
            n_snippets = min(n_snippets, n_room - n_file)
        return self._builder.build(request.cursor, request.snippets, n_file, n_snippets)

    def _shorter(self, cursor: Cursor, n_room: int) -> Prompt:
        """The file alone, or the largest window on it that is read in time.

        A window keeps its size while it can, so that what was read of it can be reused.
        """
        largest = self._sizes.max_prompt_tokens
        halves = takewhile(lambda n_tokens: n_tokens >= MIN_QUICK_TOKENS, (largest >> at for at in count(1)))
        for n_tokens in (largest, self._n_quick_tokens, *halves):
            prompt = self._builder.build(cursor, (), min(n_tokens, n_room))
            if self._is_quick(prompt):
                break
        self._n_quick_tokens = n_tokens
        return prompt

    def _is_quick(self, prompt: Prompt) -> bool:
        wait_ms = self._sizes.cold_wait_ms
        return wait_ms is None or self._cache.speed.ms(self._cache.n_missing(prompt.drafted)) <= wait_ms
