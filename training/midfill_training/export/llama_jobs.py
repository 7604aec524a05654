"""The process behind `llama_process`: reads one job from stdin, does it with llama.cpp, writes the answer to stdout."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

N_BATCH = 512
QUANTISE_BUFFER_BYTES = 256 * 2**20  # llama.cpp's own default is 8 GiB of rows
LOG_LEVEL_WARN = 3
MAX_STRING_OVERRIDE = 127


class Failed(Exception):
    """llama.cpp returned an error; the message goes back to the caller."""


class Log:
    """What llama.cpp says; kept for the answer instead of the terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self._callback = llama_cpp.llama_log_callback(self._keep)
        llama_cpp.llama_log_set(self._callback, ctypes.c_void_p())

    def _keep(self, level: int, text: bytes, _: ctypes.c_void_p) -> None:
        line = text.decode(errors="replace")
        self.lines.append(line)
        if level >= LOG_LEVEL_WARN and line.strip():
            self.warnings.append(line.strip())

    def reason(self) -> str:
        return "; ".join(self.warnings[-2:]) or "it gives no reason"


def encode(job: Mapping[str, Any], log: Log) -> list[list[list[int]]]:
    with _model(job["path"], log, vocab_only=True) as model:
        vocab = llama_cpp.llama_model_get_vocab(model)
        return [[_ids(vocab, text, special) for text in job["texts"]] for special in job["special"]]


def tokenise(job: Mapping[str, Any], log: Log) -> list[dict[str, Any]]:
    return [_trial(name, changes, job, log) for name, changes in job["trials"].items()]


def _trial(name: str, changes: Mapping[str, str | bool], job: Mapping[str, Any], log: Log) -> dict[str, Any]:
    answer: dict[str, Any] = {"name": name, "error": "", "n_wrong": 0, "first_wrong": -1, "first_ids": []}
    try:
        with _model(job["path"], log, vocab_only=True, changes=changes) as model:
            vocab = llama_cpp.llama_model_get_vocab(model)
            for at, (text, expected) in enumerate(zip(job["texts"], job["expected"], strict=True)):
                ids = _ids(vocab, text, True)
                if ids != expected:
                    if not answer["n_wrong"]:
                        answer |= {"first_wrong": at, "first_ids": ids}
                    answer["n_wrong"] += 1
    except Failed as failure:
        return answer | {"error": str(failure), "n_wrong": len(job["texts"]), "first_wrong": 0}
    return answer


def logits(job: Mapping[str, Any], log: Log) -> None:
    tokens = job["tokens"]
    with _model(job["path"], log) as model, _context(model, len(tokens), job["lora"], log) as context:
        n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        rows = np.lib.format.open_memmap(job["out"], mode="w+", dtype=np.float32, shape=(len(tokens), n_vocab))
        for first in range(0, len(tokens), N_BATCH):
            part = tokens[first : first + N_BATCH]
            rows[first : first + len(part)] = _decode(context, part, first, n_vocab, every=True)
        rows.flush()


def greedy(job: Mapping[str, Any], log: Log) -> list[list[int]]:
    n_ctx = max(len(prompt) for prompt in job["prompts"]) + job["n_new"]
    written = []
    with _model(job["path"], log) as model, _context(model, n_ctx, job["lora"], log) as context:
        n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        memory = llama_cpp.llama_get_memory(context)
        for prompt in job["prompts"]:
            llama_cpp.llama_memory_clear(memory, True)
            row = np.empty((1, n_vocab), np.float32)
            for first in range(0, len(prompt), N_BATCH):
                row = _decode(context, prompt[first : first + N_BATCH], first, n_vocab, every=False)
            new = [int(row[-1].argmax())]
            while len(new) < job["n_new"]:
                row = _decode(context, new[-1:], len(prompt) + len(new) - 1, n_vocab, every=False)
                new.append(int(row[-1].argmax()))
            written.append(new)
    return written


def quantise(job: Mapping[str, Any], log: Log) -> str:
    from midfill_training.export.imatrix import read_imatrix

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.dry_run = job["file_type"], job["dry_run"]
    params.nthread, params.max_buf_size = job["n_threads"], QUANTISE_BUFFER_BYTES
    if job["imatrix"]:
        entries = read_imatrix(Path(job["imatrix"]))
        table = (llama_cpp.llama_model_imatrix_data * (len(entries) + 1))()  # a nameless entry ends it
        for slot, (name, values) in zip(table, entries.items(), strict=False):
            slot.name = name.encode()
            slot.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            slot.size = values.size
        params.imatrix = table
    code = llama_cpp.llama_model_quantize(job["path"].encode(), job["target"].encode(), ctypes.byref(params))
    if code:
        raise Failed(f"llama.cpp cannot quantise {job['path']}: {log.reason()}")
    return "".join(log.lines)


@contextmanager
def _model(
    path: str, log: Log, *, vocab_only: bool = False, changes: Mapping[str, str | bool] | None = None
) -> Iterator[ctypes.c_void_p]:
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = vocab_only
    params.use_extra_bufts = False  # with AMX, repacked weights crash ggml 0.25 (llama.cpp issue 20824)
    overrides = _overrides(changes or {})
    params.kv_overrides = overrides
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise Failed(f"llama.cpp cannot load {path}: {log.reason()}")
    try:
        yield ctypes.c_void_p(model)
    finally:
        llama_cpp.llama_model_free(model)


def _overrides(changes: Mapping[str, str | bool]) -> Any:
    """Metadata that takes the place of the file's; a nameless entry ends the list."""
    table = (llama_cpp.llama_model_kv_override * (len(changes) + 1))()
    for slot, (key, value) in zip(table, changes.items(), strict=False):
        slot.key = key.encode()
        if isinstance(value, bool):
            slot.tag, slot.value.val_bool = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL, value
        else:
            slot.tag, slot.value.val_str = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_STR, value.encode()[:MAX_STRING_OVERRIDE]
    return table


@contextmanager
def _context(model: ctypes.c_void_p, n_ctx: int, lora: str | None, log: Log) -> Iterator[ctypes.c_void_p]:
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = min(N_BATCH, n_ctx)
    params.n_threads = params.n_threads_batch = os.cpu_count() or 1
    params.no_perf = True
    # The KV cache in f32 and plain attention: what is compared is the weights, not the rounding of a cache.
    params.type_k = params.type_v = llama_cpp.GGML_TYPE_F32
    params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        raise Failed(f"llama.cpp cannot make a context of {n_ctx} tokens: {log.reason()}")
    try:
        if lora:
            adapter = llama_cpp.llama_adapter_lora_init(model, lora.encode())
            if not adapter:
                raise Failed(f"llama.cpp cannot load the adapter {lora}: {log.reason()}")
            adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
            if llama_cpp.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(1.0)):
                raise Failed(f"llama.cpp cannot apply the adapter {lora}: {log.reason()}")
        yield ctypes.c_void_p(context)
    finally:
        llama_cpp.llama_free(context)


def _decode(
    context: ctypes.c_void_p, tokens: Sequence[int], position: int, n_vocab: int, *, every: bool
) -> NDArray[np.float32]:
    """Logits after each token (`every`) or after the last one alone."""
    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at] = token, position + at
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
            batch.logits[at] = every or at == len(tokens) - 1
        code = llama_cpp.llama_decode(context, batch)
    finally:
        llama_cpp.llama_batch_free(batch)
    if code:
        raise Failed(f"llama.cpp cannot evaluate {len(tokens)} tokens at {position} (code {code})")
    rows = range(len(tokens)) if every else [len(tokens) - 1]
    return np.stack(
        [np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, row), shape=(n_vocab,)).copy() for row in rows]
    )


def _ids(vocab: Any, text: str, special: bool) -> list[int]:
    data = text.encode()
    room = len(data) + 2
    tokens = (llama_cpp.llama_token * room)()
    n_tokens = llama_cpp.llama_tokenize(vocab, data, len(data), tokens, room, False, special)
    if n_tokens < 0:
        raise Failed(f"the tokenizer needs {-n_tokens} tokens for {len(data)} bytes")
    return list(tokens[:n_tokens])


JOBS: Mapping[str, Callable[[Mapping[str, Any], Log], Any]] = {
    "encode": encode,
    "tokenise": tokenise,
    "logits": logits,
    "greedy": greedy,
    "quantise": quantise,
}


def main() -> None:
    """Do the one job; llama.cpp's own output goes to stderr, whatever it is."""
    job = json.load(sys.stdin)
    log = Log()
    llama_cpp.llama_backend_init()
    try:
        answer: dict[str, Any] = {"value": JOBS[job["job"]](job, log)}
    except Failed as failure:
        answer = {"error": str(failure)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
