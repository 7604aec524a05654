"""`midfill complete FILE:LINE[:COLUMN]`: one completion in a file on disk, the way an editor would get it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from midfill_lsp.commands.arguments import whole_number
from midfill_lsp.commands.places import Place, PlaceError, add_place, open_place, workspace_of
from midfill_lsp.commands.retrieving import retrieve

if TYPE_CHECKING:
    from midfill_context.cursor import Cursor
    from midfill_lsp.commands import Subparsers
    from midfill_lsp.documents import Document
    from midfill_model.engine import Completion

N_LINES_AROUND = 3


@dataclass(frozen=True)
class Report:
    """The result as `--json` prints it; times in milliseconds."""

    suggestion: str
    stop_reason: str
    model: str
    n_prompt_tokens: int
    n_reused_tokens: int
    n_completion_tokens: int
    context_ms: float
    prompt_ms: float
    decode_ms: float
    total_ms: float
    snippets: tuple[dict[str, Any], ...] = ()


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill complete`."""
    parser = subparsers.add_parser("complete", help="complete at a place in a file")
    add_place(parser)
    parser.add_argument("--model", default="", metavar="NAME|PATH", help="default: the default model")
    parser.add_argument("--lora", default="", metavar="FILE.gguf", help="a LoRA adapter to lay over the model")
    parser.add_argument(
        "--max-tokens", type=whole_number(1), default=48, metavar="N", help="longest completion (default 48)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Complete and print."""
    from midfill_model.errors import ModelError

    try:
        document, offset = open_place(args.place)
        report = _complete(document, offset, args)
    except (PlaceError, ModelError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    print(
        json.dumps(asdict(report), ensure_ascii=False) if args.json else _render(document, offset, args.place, report)
    )
    return 0


def _complete(document: Document, offset: int, args: argparse.Namespace) -> Report:
    from midfill_context.retrieval.report import report
    from midfill_lsp.models.engines import open_local_engine
    from midfill_lsp.settings import Settings
    from midfill_lsp.suggesting.suggestion import cursor_at, suggestion_from
    from midfill_model.engine import CompletionRequest, Limits
    from midfill_model.local.llama_engine import loaded

    workspace = workspace_of(args)
    cursor: Cursor = cursor_at(document, offset, [workspace])
    # All of the prompt is read, as in an editor that has rested at the place.
    settings = Settings(model=args.model, lora=args.lora, cold_wait_ms=600_000)
    with loaded(open_local_engine(settings)) as engine:
        retrieved = retrieve(cursor, workspace)
        started = time.perf_counter()
        request = CompletionRequest(cursor, retrieved.snippets, limits=Limits(max_tokens=args.max_tokens))
        completion: Completion = engine.submit(request).result()
        total_ms = (time.perf_counter() - started) * 1000 + retrieved.elapsed_ms
    suggestion = suggestion_from(completion)
    timings = completion.timings
    return Report(
        suggestion.text.replace("\n", document.line_end) if suggestion else "",
        completion.stop_reason.value,
        engine.status.model,
        timings.n_prompt_tokens,
        timings.n_reused_tokens,
        timings.n_completion_tokens,
        context_ms=round(retrieved.elapsed_ms, 1),
        prompt_ms=round(timings.prompt_ms, 1),
        decode_ms=round(timings.decode_ms, 1),
        total_ms=round(total_ms, 1),
        snippets=tuple(report(retrieved)["snippets"]),
    )


def _render(document: Document, offset: int, place: Place, report: Report) -> str:
    """The lines around the place with the suggestion marked, and one line of timings."""
    is_terminal = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    before, after = ("\x1b[32m", "\x1b[0m") if is_terminal else ("⟦", "⟧")
    above = document.text[:offset].split("\n")[-N_LINES_AROUND - 1 :]
    below = document.text[offset:].split("\n")[: N_LINES_AROUND + 1]
    marked = f"{before}{report.suggestion}{after}" if report.suggestion else ""
    first = place.line - len(above) + 1
    shown = ("\n".join(above) + marked + "\n".join(below)).replace("\r", "").split("\n")
    numbered = [f"{first + at:5d} │ {line}" for at, line in enumerate(shown)]
    return "\n".join([str(place.file), *numbered, _timings(report)])


def _timings(report: Report) -> str:
    found = "" if report.suggestion else f"nothing to suggest ({report.stop_reason}) · "
    return (
        f"{found}{report.model} · prompt {report.n_prompt_tokens} tokens in {report.prompt_ms:.0f} ms"
        f" · wrote {report.n_completion_tokens} tokens in {report.decode_ms:.0f} ms"
        f" · context {report.context_ms:.0f} ms · total {report.total_ms:.0f} ms"
    )
