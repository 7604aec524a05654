"""`midfill complete FILE:LINE[:COLUMN]`: one completion in a file on disk, the way an editor would get it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_lsp.commands.arguments import whole_number

if TYPE_CHECKING:
    from midfill_context.cursor import Cursor
    from midfill_lsp.commands import Subparsers
    from midfill_lsp.documents import Document
    from midfill_model.engine import Completion

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?")
N_LINES_AROUND = 3


class PlaceError(Exception):
    """The place cannot be completed at; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """A place in a file as the user gives it: line and column count from 1, no column is the end of the line."""

    file: Path
    line: int
    column: int | None


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
    parser.add_argument(
        "place",
        metavar="FILE:LINE[:COLUMN]",
        type=_place,
        help="counted from 1; without COLUMN the end of the line",
    )
    parser.add_argument(
        "--workspace", metavar="DIR", type=Path, help="default: the nearest folder above the file with .git"
    )
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
        document, offset = _open(args.place)
        report = _complete(document, offset, args)
    except (PlaceError, ModelError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    print(
        json.dumps(asdict(report), ensure_ascii=False) if args.json else _render(document, offset, args.place, report)
    )
    return 0


def _place(text: str) -> Place:
    match = _PLACE.fullmatch(text)
    if match is None or int(match["line"]) < 1 or match["column"] == "0":
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:LINE or FILE:LINE:COLUMN, counted from 1")
    return Place(Path(match["file"]), int(match["line"]), int(match["column"]) if match["column"] else None)


def _open(place: Place) -> tuple[Document, int]:
    """The file as a document, and the offset of the place in it."""
    from midfill_context.languages import language_of
    from midfill_lsp.documents import Document
    from midfill_lsp.positions import body_length

    language = language_of(place.file.name)
    text = _read(place.file)
    document = Document.from_text(place.file.absolute().as_uri(), language.id if language else "", 0, text)
    if place.line > len(document.lines):
        raise PlaceError(f"{place.file} ends at line {len(document.lines)}; there is no line {place.line}")
    line = document.lines[place.line - 1]
    length = body_length(line)
    column = length + 1 if place.column is None else place.column
    if column > length + 1:
        raise PlaceError(f"line {place.line} of {place.file} has {length} characters; the last column is {length + 1}")
    return document, sum(map(len, document.lines[: place.line - 1])) + column - 1


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise PlaceError(f"there is no file {file}") from None
    except OSError as error:
        raise PlaceError(f"cannot read {file}: {error.strerror}") from None
    if b"\0" in data:
        raise PlaceError(f"{file} is a binary file: it has a NUL byte at {data.index(0)}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        print(f"midfill: {file} is not UTF-8 (byte {error.start}); read as Latin-1", file=sys.stderr)
        return data.decode("latin-1")


def _complete(document: Document, offset: int, args: argparse.Namespace) -> Report:
    from midfill_lsp.engines import open_local_engine
    from midfill_lsp.settings import Settings
    from midfill_lsp.suggestion import cursor_at, suggestion_from
    from midfill_model.engine import CompletionRequest, EngineState, Limits
    from midfill_model.errors import EngineError

    workspace = args.workspace.absolute() if args.workspace else _workspace_of(args.place.file.absolute())
    cursor: Cursor = cursor_at(document, offset, [workspace])
    engine = open_local_engine(Settings(model=args.model, lora=args.lora))
    try:
        status = engine.wait_until_loaded()
        if status.state is EngineState.ERROR:
            raise EngineError(status.reason)
        started = time.perf_counter()
        request = CompletionRequest(cursor, limits=Limits(max_tokens=args.max_tokens))
        completion: Completion = engine.submit(request).result()
        total_ms = (time.perf_counter() - started) * 1000
    finally:
        engine.close()
    suggestion = suggestion_from(completion)
    timings = completion.timings
    return Report(
        suggestion.text.replace("\n", document.line_end) if suggestion else "",
        completion.stop_reason.value,
        status.model,
        timings.n_prompt_tokens,
        timings.n_reused_tokens,
        timings.n_completion_tokens,
        context_ms=0.0,
        prompt_ms=round(timings.prompt_ms, 1),
        decode_ms=round(timings.decode_ms, 1),
        total_ms=round(total_ms, 1),
    )


def _workspace_of(file: Path) -> Path:
    return next((folder for folder in file.parents if (folder / ".git").exists()), file.parent)


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
