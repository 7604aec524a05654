"""How fast a cancel frees the worker: from a new request in the middle of a long prompt until the worker is at it.

Played on an engine in this process, where the end of the cancelled work can be seen from outside. A thread that waits
for a virtual processor is held up whatever it does, so it is told how much of them other machines had meanwhile.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from midfill_context.cursor import Cursor
from midfill_lsp.bench.figures import Progress, StolenTime, percentile
from midfill_lsp.models.engines import open_local_engine
from midfill_lsp.settings import Settings
from midfill_model.engine import CompletionRequest, Limits
from midfill_model.local.llama_engine import LlamaEngine, loaded

N_CANCELS = 40
LOAD_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Cancels:
    """Of one model; `stolen` is the share of the processors' time that other machines had, 0 where nothing tells."""

    model: str
    p50_ms: float
    p95_ms: float
    stolen: float

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:.1f} ms, p95 {self.p95_ms:.1f} ms; {self.stolen:.0%} of the processors' time stolen"


def measure_cancels(model: str, text: str, progress: Progress) -> Cancels:
    """Cancel the reading of `text`, its lines in another order each time. EngineError when the model does not load."""
    with loaded(open_local_engine(Settings(model=model)), LOAD_TIMEOUT_S) as engine:
        rng = random.Random(0)
        waits_ms = []
        stolen = StolenTime()
        for number in range(1, N_CANCELS + 1):
            waits_ms.append(_cancel_once(engine, text, rng))
            progress(f"cancelling {number}/{N_CANCELS}")
        return Cancels(engine.status.model, percentile(waits_ms, 50), percentile(waits_ms, 95), stolen.share)


def _cancel_once(engine: LlamaEngine, text: str, rng: random.Random) -> float:
    lines = text.splitlines(keepends=True)
    rng.shuffle(lines)  # so that nothing of the prompt is in the cache
    busy = engine.submit(CompletionRequest(Cursor("", "", "".join(lines), "")))
    time.sleep(rng.uniform(0.05, 0.5))
    started = time.perf_counter()
    busy.cancel()
    after = engine.submit(CompletionRequest(Cursor("", "", "x =", ""), limits=Limits(max_tokens=1))).result()
    elapsed_ms = (time.perf_counter() - started) * 1000
    return elapsed_ms - after.timings.prompt_ms - after.timings.decode_ms
