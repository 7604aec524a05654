"""Opens a model file for the worker: checked, loaded, with its prompt format and room for its prompts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from midfill_model.engine import Limits
from midfill_model.files.gguf_file import ModelHeader, check_fits, read_header
from midfill_model.local.decoding import Decoder, n_branched_tokens
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.kv_cache import N_SEQUENCES, KvCache
from midfill_model.local.llama import ContextOptions, LlamaContext
from midfill_model.local.measuring import measure
from midfill_model.local.prompt_choice import PromptChoice, PromptSizes
from midfill_model.local.prompt_lookup import GuessingPace
from midfill_model.local.reading_speed import ReadingSpeed
from midfill_model.local.tuning import Tuning, n_usable_cores, store_tuning, stored_tuning
from midfill_model.local.wire import EngineOptions
from midfill_model.prompts.formats import find_format, named_format
from midfill_model.prompts.prompt import PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex

# Room in the context behind a prompt, for what is written there and in the branch.
N_WRITING_TOKENS = 512
# However slow the machine is, so much of the file is read.
MIN_FILE_TOKENS = 256


@dataclass(frozen=True)
class Model:
    """A loaded model with all that answers a request. `tune` finds out what suits it; None where that is known."""

    decoder: Decoder
    choice: PromptChoice
    builder: PromptBuilder
    tune: Callable[[], None] | None


def open_model(path: Path, options: EngineOptions, interrupt: Interrupt) -> Model:
    """Load a model. Raises ModelError where that cannot be."""
    header = read_header(path)
    tuning = stored_tuning(path) if options.tunes else None
    n_threads = options.n_threads or (tuning.n_threads if tuning else n_default_threads())
    n_micro_batch = tuning.n_micro_batch if tuning else options.n_micro_batch
    sizes = prompt_sizes(header, options, tuning)
    n_available_bytes = psutil.virtual_memory().available - sizes.n_ctx_quick * header.kv_bytes_per_token
    check_fits(header, sizes.n_ctx, n_available_bytes)
    n_cells = sizes.n_ctx + sizes.n_ctx_quick
    context = LlamaContext(
        path, ContextOptions(n_cells, n_threads, n_micro_batch, N_SEQUENCES, options.lora), interrupt
    )
    builder, index = _layout(header, context, options.prompt_format)
    cache = KvCache(context, options.max_parked_bytes, ReadingSpeed(tuning.tokens_per_s) if tuning else None)
    choice = PromptChoice(builder, cache, sizes)
    pace = GuessingPace() if options.guesses else None
    decoder = Decoder(cache, choice, context.vocabulary.pieces, index, interrupt, sizes.n_ctx, pace)

    def tune() -> None:
        store_tuning(path, measure(context, n_threads, n_usable_cores()))

    return Model(decoder, choice, builder, tune if options.tunes and not tuning else None)


def prompt_sizes(header: ModelHeader, options: EngineOptions, tuning: Tuning | None) -> PromptSizes:
    """How long prompts may be: by the options, and not much longer than this machine can read.

    A shorter prompt has a context of its own: a sequence never holds more than the model was trained for.
    """
    n_file, n_snippets = options.max_prompt_tokens, options.max_snippet_tokens
    if tuning and n_file + (n_snippets or 0) > tuning.max_prompt_tokens:
        n_file = min(n_file, max(tuning.max_prompt_tokens // 2, MIN_FILE_TOKENS))
        n_snippets = n_snippets and min(n_snippets, max(tuning.max_prompt_tokens - n_file, 0))
    n_ctx = options.n_ctx or min(n_file + (n_snippets or 0) + N_WRITING_TOKENS, header.n_ctx_train)
    n_ctx_quick = 0 if options.cold_wait_ms is None else min(n_file + N_WRITING_TOKENS, n_ctx)
    n_written = 0 if options.n_ctx else n_branched_tokens(Limits.max_tokens)
    return PromptSizes(n_ctx, n_file, n_snippets, options.cold_wait_ms, n_ctx_quick, n_written)


def n_default_threads() -> int:
    """One thread a physical core; a second one a core only shares its arithmetic units. At least two if there are."""
    return min(n_usable_cores(), max(psutil.cpu_count(logical=False) or 1, 2))


def _layout(header: ModelHeader, context: LlamaContext, format_name: str) -> tuple[PromptBuilder, PieceIndex]:
    vocabulary = context.vocabulary
    prompt_format = (
        named_format(format_name, vocabulary.ids)
        if format_name
        else find_format(vocabulary.ids, header.architecture, header.name, vocabulary.fim)
    )
    index = PieceIndex(vocabulary.pieces, special_tokens(prompt_format, vocabulary))
    return PromptBuilder(prompt_format, vocabulary, index), index
