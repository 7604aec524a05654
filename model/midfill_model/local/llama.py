"""llama.cpp through its C API: a model, its vocabulary and one context. All that the engine knows of llama_cpp.

Runs in the worker process alone, because ggml aborts the whole process on a bad file or a bad state. The high-level
`Llama` class is not used: it has no cancel, no sequences and hard-codes FIM token ids.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import llama_cpp
import numpy as np

from midfill_model.errors import EngineError, UnsupportedModel
from midfill_model.files.gguf_layout import read_layout
from midfill_model.local.interrupt import Interrupt, Interrupted
from midfill_model.local.sampling import Logits

ABORTED = 2
LOG_LEVELS = (3, 4)  # warnings and errors; 5 goes on with a line of any level
MAX_PIECE_BYTES = 256

# Repacked weights are faster to read a prompt with, but live in anonymous memory beside the mapped file: twice the
# model, and 14 to 21 s to load a 7B. Above this size the file is used as it is mapped.
MAX_REPACKED_BYTES = 1 << 30


# llama.cpp has one log for the whole process; its callback must never be freed.
_messages: deque[str] = deque(maxlen=3)


def _keep_message(level: int, text: bytes, _: ctypes.c_void_p) -> None:
    if level in LOG_LEVELS:
        _messages.append(text.decode(errors="replace").strip())


def _last_messages() -> str:
    return "; ".join(_messages) or "it gives no reason"


_LOG = llama_cpp.llama_log_callback(_keep_message)


@dataclass(frozen=True)
class ContextOptions:
    """Sizes of the one llama context; all counts in tokens but the threads."""

    n_ctx: int
    n_threads: int
    n_micro_batch: int
    n_sequences: int
    lora: Path | None = None


class LlamaVocabulary:
    """The tokenizer of a loaded model (`Vocabulary`)."""

    def __init__(self, vocab: ctypes.c_void_p) -> None:
        self._vocab = vocab
        n_tokens = llama_cpp.llama_vocab_n_tokens(vocab)
        self._texts = [
            llama_cpp.llama_vocab_get_text(vocab, token).decode(errors="replace") for token in range(n_tokens)
        ]
        buffer = ctypes.create_string_buffer(MAX_PIECE_BYTES)
        self.pieces: Sequence[bytes] = [self._piece(token, buffer) for token in range(n_tokens)]
        self.ids: Mapping[str, int] = {text: token for token, text in enumerate(self._texts)}

    def _piece(self, token: int, buffer: ctypes.Array[ctypes.c_char]) -> bytes:
        n_bytes = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
        if n_bytes < 0:  # so much room is needed
            return self._piece(token, ctypes.create_string_buffer(-n_bytes))
        return buffer.raw[:n_bytes]

    @cached_property
    def bos(self) -> int | None:
        """The BOS token, if the GGUF wants prompts to begin with it."""
        return llama_cpp.llama_vocab_bos(self._vocab) if llama_cpp.llama_vocab_get_add_bos(self._vocab) else None

    @cached_property
    def ends(self) -> frozenset[int]:
        """Tokens that llama.cpp takes for the end of a generation."""
        tokens = range(len(self.pieces))
        return frozenset(token for token in tokens if llama_cpp.llama_vocab_is_eog(self._vocab, token))

    @cached_property
    def fim(self) -> tuple[str, str, str] | None:
        """The text of the prefix, suffix and middle tokens that the GGUF or llama.cpp names, if all three are."""
        getters = (
            llama_cpp.llama_vocab_fim_pre,
            llama_cpp.llama_vocab_fim_suf,
            llama_cpp.llama_vocab_fim_mid,
        )
        prefix, suffix, middle = (getter(self._vocab) for getter in getters)
        return (self.text(prefix), self.text(suffix), self.text(middle)) if min(prefix, suffix, middle) >= 0 else None

    def text(self, token: int) -> str:
        """How the vocabulary spells a token."""
        return str(self._texts[token])

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`, without BOS, dummy prefix or control tokens."""
        data = text.encode(errors="replace")  # a lone surrogate has no bytes
        room = len(data) + 1
        tokens = (llama_cpp.llama_token * room)()
        n_tokens = llama_cpp.llama_tokenize(self._vocab, data, len(data), tokens, room, False, False)
        if n_tokens < 0:
            raise EngineError(f"The tokenizer needs {-n_tokens} tokens for {len(data)} bytes.")
        return list(tokens[:n_tokens])


class LlamaContext:
    """A loaded model with its KV cache. One thread at a time; only the interrupt may be tripped from another."""

    def __init__(self, path: Path, options: ContextOptions, interrupt: Interrupt) -> None:
        self._interrupt = interrupt
        llama_cpp.llama_log_set(_LOG, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        self._model = self._load(path)
        self.vocabulary = LlamaVocabulary(llama_cpp.llama_model_get_vocab(self._model))
        self.n_vocab = len(self.vocabulary.pieces)
        self.n_micro_batch = options.n_micro_batch
        self._context = self._open(options)
        if options.lora:
            self._adapt(options.lora)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(options.n_micro_batch, 0, 1)

    def _load(self, path: Path) -> ctypes.c_void_p:
        params = llama_cpp.llama_model_default_params()
        params.use_extra_bufts = path.stat().st_size <= MAX_REPACKED_BYTES and not has_broken_repacking()
        # Published GGUFs of one model disagree on this flag; prompts put the space where the format has one.
        self._overrides = (llama_cpp.llama_model_kv_override * 2)()
        self._overrides[0].key = b"tokenizer.ggml.add_space_prefix"
        self._overrides[0].tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL
        self._overrides[0].value.val_bool = False
        params.kv_overrides = self._overrides
        model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise EngineError(f"llama.cpp cannot load {path}: {_last_messages()}; get the file again or choose another")
        if llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model):
            raise UnsupportedModel(
                f"{path}: keeps a running state that cannot be taken back, as every keystroke needs; "
                "choose a model with attention in all layers"
            )
        return ctypes.c_void_p(model)

    def _open(self, options: ContextOptions) -> ctypes.c_void_p:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = options.n_ctx
        params.n_batch = params.n_ubatch = options.n_micro_batch
        params.n_threads = params.n_threads_batch = options.n_threads
        params.n_seq_max = options.n_sequences
        params.kv_unified = True  # else every sequence gets its own share of the context and none can be shared
        params.no_perf = True
        params.abort_callback = ctypes.cast(self._interrupt.callback, llama_cpp.ggml_abort_callback)
        params.abort_callback_data = self._interrupt.data
        context = llama_cpp.llama_init_from_model(self._model, params)
        if not context:
            raise EngineError(f"llama.cpp cannot make a context of {options.n_ctx} tokens: {_last_messages()}")
        return ctypes.c_void_p(context)

    def _adapt(self, path: Path) -> None:
        """Lay a LoRA adapter over the model; it lives as long as the model does."""
        read_layout(path)  # llama.cpp aborts on some damaged files
        adapter = llama_cpp.llama_adapter_lora_init(self._model, os.fsencode(path))
        if not adapter:
            raise EngineError(f"llama.cpp cannot lay {path} over this model: {_last_messages()}; was it made for it?")
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
        if llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0)):
            raise EngineError(f"llama.cpp cannot apply the adapter {path}: {_last_messages()}")

    def decode(self, tokens: Sequence[int], position: int, sequence: int, n_outputs: int) -> list[Logits]:
        """Evaluate at most a micro-batch of `tokens` from `position` on; logits after each of the last `n_outputs`.

        Raises Interrupted when the interrupt was tripped; the context then holds what `n_cached` says.
        """
        self._interrupt.check()
        batch = self._batch
        batch.n_tokens = len(tokens)
        first_output = len(tokens) - n_outputs
        for at, token in enumerate(tokens):
            batch.token[at] = token
            batch.pos[at] = position + at
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = sequence
            batch.logits[at] = at >= first_output
        code = llama_cpp.llama_decode(self._context, batch)
        if code == ABORTED:
            raise Interrupted
        if code != 0:
            raise EngineError(f"llama.cpp cannot evaluate {len(tokens)} tokens at {position} (code {code}).")
        return [self._logits(at) for at in range(first_output, len(tokens))]

    def _logits(self, at: int) -> Logits:
        row = llama_cpp.llama_get_logits_ith(self._context, at)
        logits: Logits = np.ctypeslib.as_array(row, shape=(self.n_vocab,)).copy()
        return logits

    def set_threads(self, n_threads: int) -> None:
        """Compute with so many threads from now on."""
        llama_cpp.llama_set_n_threads(self._context, n_threads, n_threads)

    def n_cached(self, sequence: int) -> int:
        """How many tokens of a sequence are in the KV cache."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def truncate(self, sequence: int, n_tokens: int) -> None:
        """Keep the first `n_tokens` of a sequence."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, n_tokens, -1)

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """Let `target` share the first `n_tokens` of `source`; nothing is copied in memory."""
        self.truncate(target, 0)
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, n_tokens)

    def save(self, sequence: int) -> bytes:
        """The KV cache of a sequence as bytes for `restore`."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        buffer = (ctypes.c_uint8 * size)()
        n_bytes = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, sequence)
        return bytes(memoryview(buffer)[:n_bytes])

    def restore(self, sequence: int, state: bytes) -> bool:
        """Put back what `save` gave. On False the sequence is empty: in memory llama.cpp refuses what does not fit."""
        self.truncate(sequence, 0)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        n_read = llama_cpp.llama_state_seq_set_data(self._context, buffer, len(state), sequence)
        restored = bool(0 < n_read == len(state))
        if not restored:
            self.truncate(sequence, 0)
        return restored


def has_broken_repacking() -> bool:
    """Whether weights must not be repacked here: with AMX, ggml 0.25 crashes (llama.cpp issue 20824; seen on Q4_1)."""
    return "AMX_INT8 = 1" in system_info()


def system_info() -> str:
    """What llama.cpp was built with and found on this processor, in its own words."""
    return str(llama_cpp.llama_print_system_info().decode())
