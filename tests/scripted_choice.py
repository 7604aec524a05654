"""A choice of prompts over a scripted context that reads a thousand tokens a second, one a byte."""

from __future__ import annotations

from dataclasses import dataclass

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.engine import CompletionRequest
from midfill_model.local.kv_cache import KvCache
from midfill_model.local.prompt_choice import PromptChoice, PromptSizes
from midfill_model.local.reading_speed import MIN_MEASURED_TOKENS, ReadingSpeed
from midfill_model.prompts.formats import MIDFILL
from midfill_model.prompts.prompt import Prompt, PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex
from scripted_model import ScriptedContext, ScriptedVocabulary

TOKENS_PER_S = 1000.0
COLD_WAIT_MS = 300.0  # that is 300 tokens
N_WRITTEN = 20
SNIPPET = Snippet(Chunk("b.py", 1, 9, "b = 1\n" * 40), 1.0, "imported")
SHORT = "x = 1\n" * 20
LONG = "x = 1\n" * 90


@dataclass(frozen=True)
class Scripted:
    builder: PromptBuilder
    index: PieceIndex
    cache: KvCache
    context: ScriptedContext
    choice: PromptChoice

    def ask(self, prefix: str, *snippets: Snippet, **changes: object) -> tuple[Prompt, int]:
        """Choose and read."""
        request = CompletionRequest(Cursor("a.py", "python", prefix, "\nz = 9\n"), snippets, **changes)  # type: ignore[arg-type]
        prompt, sequence = self.choice.choose(request, N_WRITTEN)
        self.cache.evaluate(prompt.drafted, 1, sequence)
        return prompt, sequence


def scripted(cold_wait_ms: float | None = COLD_WAIT_MS) -> Scripted:
    vocabulary = ScriptedVocabulary(MIDFILL.sentinels)
    n_micro_batch = MIN_MEASURED_TOKENS - 1  # so that nothing is measured
    context = ScriptedContext(lambda cells: 0, len(vocabulary.pieces), n_micro_batch, n_ctx=2000)
    cache = KvCache(context, 0, ReadingSpeed(TOKENS_PER_S))
    index = PieceIndex(vocabulary.pieces, special_tokens(MIDFILL, vocabulary))
    sizes = PromptSizes(1300, 600, 400, cold_wait_ms, n_ctx_quick=700)
    builder = PromptBuilder(MIDFILL, vocabulary, index)
    return Scripted(builder, index, cache, context, PromptChoice(builder, cache, sizes))
