"""What guessing tokens saves: the same completions with two engines in turn, of which one guesses.

At cursors of real projects, which both have read before the time counts: only writing is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from midfill_lsp.bench.completions.cursors import cut_cursors
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_model.engine import Completion, CompletionRequest, Limits
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.llama_engine import LlamaEngine, loaded
from midfill_model.local.wire import EngineOptions

N_CTX = 512
MAX_PROMPT_TOKENS = 256


@dataclass(frozen=True)
class LookupResult:
    """What `midfill bench prompt-lookup` prints, of the `n` cursors where both wrote; milliseconds for each token.

    `share` is how long writing takes with guesses, as a share of the time without: the mean over the cursors.
    """

    model: str
    n: int
    plain_ms: float
    guessing_ms: float
    share: Estimate
    n_alike: int


def run(folders: Sequence[Path], n_cursors: int, progress: Progress, model: str = "") -> LookupResult:
    """Measure at `n_cursors` in the projects. ValueError for folders without code, ModelError."""
    cut_outs = cut_cursors(folders, n_cursors)
    found = find_model(model or DEFAULT_MODEL)
    with ExitStack() as engines:
        opened = (loaded(_engine(found.path, guesses=guesses)) for guesses in (False, True))
        plain, guessing = (engines.enter_context(engine) for engine in opened)
        pairs: list[tuple[Completion, Completion]] = []
        files: list[str] = []
        for number, cut_out in enumerate(cut_outs, 1):
            progress(f"cursor {number} of {len(cut_outs)}")
            request = CompletionRequest(cut_out.cursor)
            turns = (plain, guessing)[:: 1 if number % 2 else -1]  # who goes first may be at a disadvantage
            written = {engine: _write(engine, request) for engine in turns}
            pair = written[plain], written[guessing]
            if all(each.timings.n_completion_tokens for each in pair):
                pairs.append(pair)
                files.append(cut_out.file)
    if not pairs:
        raise ValueError("nothing is missing at any of these cursors; take more of them")
    return LookupResult(
        found.name,
        len(pairs),
        _ms_per_token([plain for plain, _ in pairs]),
        _ms_per_token([guessing for _, guessing in pairs]),
        estimate([guessing.timings.decode_ms / plain.timings.decode_ms for plain, guessing in pairs], files),
        sum(plain.text == guessing.text for plain, guessing in pairs),
    )


def render(result: LookupResult) -> str:
    """The figures for people."""
    return (
        f"{result.model}, {result.n} cursors: {result.plain_ms:.1f} ms a token, with guesses "
        f"{result.guessing_ms:.1f} ms; writing takes {result.share} of the time; {result.n_alike} texts alike"
    )


def _engine(path: Path, *, guesses: bool) -> LlamaEngine:
    return LlamaEngine(path, EngineOptions(n_ctx=N_CTX, max_prompt_tokens=MAX_PROMPT_TOKENS, guesses=guesses))


def _write(engine: LlamaEngine, request: CompletionRequest) -> Completion:
    """After a warm-up, so that no prompt is read."""
    engine.submit(CompletionRequest(request.cursor, limits=Limits(0))).result()
    return engine.submit(request).result()


def _ms_per_token(completions: Sequence[Completion]) -> float:
    timings = [completion.timings for completion in completions]
    return round(sum(each.decode_ms for each in timings) / sum(each.n_completion_tokens for each in timings), 2)
