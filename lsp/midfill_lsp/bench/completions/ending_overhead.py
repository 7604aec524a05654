"""What our own code for endings costs: milliseconds when a request comes, for each token, and when the completion ends.

Lines of a file are taken away one after the other, and what follows in the file is written in their place: no model is
asked, and every completion has an end to be found.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from midfill_context.cursor import Cursor
from midfill_context.languages import language_of
from midfill_lsp.bench.figures import Progress, percentile
from midfill_model.ending.structure import StructureEnding
from midfill_model.engine import StopReason

_TOKEN = re.compile(r"\n[ \t]*| ?\w+|\s|[^\w\s]")  # about what vocabularies of code have
_MAX_TOKENS = 96


@dataclass(frozen=True)
class EndingResult:
    """What `midfill bench ending-overhead` prints. CPU time of the thread, in milliseconds.

    `token` is without the last token of each completion: `finish` is that one.
    """

    file: str
    n_lines: int
    n_places: int
    n_tokens: int
    open_p50_ms: float
    open_p95_ms: float
    token_p50_ms: float
    token_p95_ms: float
    token_mean_ms: float
    finish_p50_ms: float
    finish_p95_ms: float


@dataclass
class _Times:
    open: list[float] = field(default_factory=list)
    token: list[float] = field(default_factory=list)
    finish: list[float] = field(default_factory=list)


def run(file: Path, n_lines: int, n_places: int, progress: Progress) -> EndingResult:
    """Measure in the first `n_lines` of a file. Raises OSError, and ValueError for a file that does not do."""
    found = language_of(file.name)
    lines = file.read_text(encoding="utf-8").split("\n")[:n_lines]
    places = [at for at, line in enumerate(lines) if line.strip()]
    if found is None or not found.grammar or not places:
        raise ValueError(f"{file} is no code that midfill has a grammar for")
    times = _Times()
    rng = random.Random(1)
    for number, at in enumerate(rng.choices(places, k=n_places), 1):
        progress(f"place {number} of {n_places}")
        _measure(found.id, lines, at, times)
    return EndingResult(
        file=file.name,
        n_lines=len(lines),
        n_places=n_places,
        n_tokens=len(times.token) + len(times.finish),
        open_p50_ms=percentile(times.open, 50, 3),
        open_p95_ms=percentile(times.open, 95, 3),
        token_p50_ms=percentile(times.token, 50, 3),
        token_p95_ms=percentile(times.token, 95, 3),
        token_mean_ms=round(statistics.fmean(times.token), 3),
        finish_p50_ms=percentile(times.finish, 50, 3),
        finish_p95_ms=percentile(times.finish, 95, 3),
    )


def render(result: EndingResult) -> str:
    """The figures for people."""
    measured = f"{result.n_places} completions, {result.n_tokens:,} tokens"
    return "\n".join(
        [
            f"file        {result.file}, {result.n_lines:,} lines; {measured}",
            f"at first    p50 {result.open_p50_ms:.1f} ms, p95 {result.open_p95_ms:.1f} ms",
            f"each token  p50 {result.token_p50_ms:.3f} ms, p95 {result.token_p95_ms:.3f} ms,"
            f" mean {result.token_mean_ms:.3f} ms",
            f"at the end  p50 {result.finish_p50_ms:.1f} ms, p95 {result.finish_p95_ms:.1f} ms",
        ]
    )


def _measure(language: str, lines: list[str], at: int, times: _Times) -> None:
    """One completion: the line is gone but for its indentation, and the file from there on is what is written."""
    line = lines[at]
    indentation = line[: len(line) - len(line.lstrip())]
    prefix = "\n".join([*lines[:at], indentation])
    suffix = "\n".join(["", *lines[at + 1 :]])
    tokens = _TOKEN.findall("\n".join([line.lstrip(), *lines[at + 1 : at + _MAX_TOKENS]]))[:_MAX_TOKENS]
    started = time.thread_time()
    ending = StructureEnding(Cursor("", language, prefix, suffix))
    times.open.append(_ms_since(started))
    text = ""
    for token in tokens:
        text += token
        started = time.thread_time()
        ended = ending.cut(text)
        spent_ms = _ms_since(started)
        if ended is not None:
            times.finish.append(spent_ms)
            return
        times.token.append(spent_ms)
    started = time.thread_time()
    ending.finish(text, StopReason.MAX_TOKENS)
    times.finish.append(_ms_since(started))


def _ms_since(started: float) -> float:
    return (time.thread_time() - started) * 1000
