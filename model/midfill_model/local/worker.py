"""The worker process: owns the one llama context, so that a crash of llama.cpp never takes the language server along.

Started by `LlamaEngine` as `python -I -m midfill_model.local.worker`; ends when its stdin does.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import BinaryIO

from midfill_model.engine import Completion, StopReason
from midfill_model.errors import ModelError
from midfill_model.local.decoding import Decoder
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.kv_cache import KvCache
from midfill_model.local.wire import Cancel, Done, Load, Ready, Refused, Run, receive, send
from midfill_model.prompts.prompt import PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex

# Room in the context beside the prompt, for what is written in both sequences.
N_WRITING_TOKENS = 512
N_SEQUENCES = 2


class Inbox:
    """Reads messages in a thread of its own, so that a cancel reaches llama.cpp while it computes."""

    def __init__(self, stream: BinaryIO, interrupt: Interrupt) -> None:
        self._stream = stream
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._given_up: dict[int, StopReason] = {}
        self._current: int | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message = receive(self._stream)
            except EOFError:
                os._exit(0)  # nobody is left to answer; llama.cpp may be in the middle of a graph
            if isinstance(message, Run):
                self._runs.put(message)
            elif isinstance(message, Cancel):
                with self._lock:
                    if message.number == self._current:
                        self._interrupt.trip(message.reason)
                    else:
                        self._given_up[message.number] = message.reason

    def next(self) -> tuple[Run, StopReason | None]:
        """Wait for a request; with the reason if it has been given up before it began."""
        run = self._runs.get()
        with self._lock:
            self._interrupt.reset()
            self._current = run.number
            reason = self._given_up.pop(run.number, None)
            # numbers grow, so that what is older than this one has ended and its late cancels can go
            self._given_up = {number: why for number, why in self._given_up.items() if number > run.number}
        return run, reason


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent, whose end is ours
    source, target = _private_streams()
    load = receive(source)
    assert isinstance(load, Load)
    interrupt = Interrupt()
    inbox = Inbox(source, interrupt)
    try:
        decoder, prompt_format = _open(load, interrupt)
    except ModelError as error:
        send(target, Refused(str(error)))
        return
    send(target, Ready(prompt_format))
    while True:
        run, given_up = inbox.next()
        completion = decoder.complete(run.request) if given_up is None else Completion("", given_up)
        send(target, Done(run.number, completion))


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """The wire, moved off the standard streams: whatever llama.cpp prints goes to stderr."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, target


def _open(load: Load, interrupt: Interrupt) -> tuple[Decoder, str]:
    """Load the model; the decoder over it and the name of its prompt format."""
    import psutil  # these here, so that whoever imports this module for its wire does not load llama.cpp

    from midfill_model.files.gguf_file import check_fits, read_header
    from midfill_model.local.llama import ContextOptions, LlamaContext
    from midfill_model.prompts.formats import find_format, named_format

    options = load.options
    header = read_header(load.path)
    n_ctx = options.n_ctx or min(options.max_prompt_tokens + N_WRITING_TOKENS, header.n_ctx_train)
    check_fits(header, n_ctx, psutil.virtual_memory().available)
    context = LlamaContext(
        load.path,
        ContextOptions(n_ctx, options.n_threads or _n_threads(), options.n_micro_batch, N_SEQUENCES, options.lora),
        interrupt,
    )
    vocabulary = context.vocabulary
    prompt_format = (
        named_format(options.prompt_format, vocabulary.ids)
        if options.prompt_format
        else find_format(vocabulary.ids, header.architecture, header.name, vocabulary.fim)
    )
    index = PieceIndex(vocabulary.pieces, special_tokens(prompt_format, vocabulary))
    decoder = Decoder(
        KvCache(context, options.max_parked_bytes),
        PromptBuilder(prompt_format, vocabulary, index),
        vocabulary.pieces,
        index,
        interrupt,
        n_ctx,
        options.max_prompt_tokens,
    )
    return decoder, prompt_format.name


def _n_threads() -> int:
    """One thread a physical core; a second one a core only shares its arithmetic units. At least two if there are."""
    import psutil

    n_usable = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1
    return min(n_usable, max(psutil.cpu_count(logical=False) or 1, 2))


if __name__ == "__main__":
    main()
