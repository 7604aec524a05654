"""`midfill bench`: measurements on this machine. They print what they did; nothing is stored or sent."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_lsp.commands.arguments import whole_number
from midfill_model.errors import ModelError

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers

MIN_KEYSTROKES = 3  # the first one is left out, and a percentile needs two
N_PIECES = 49_152  # aiXcoder's vocabulary


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill bench` and its benchmarks."""
    parser = subparsers.add_parser("bench", help="measure on this machine")
    benches = parser.add_subparsers(title="benchmarks", metavar="BENCHMARK", required=True)

    typing = benches.add_parser("typing", help="a typing session: prompt reuse, waiting times, cancel latency")
    typing.add_argument("--model", default="", metavar="NAME|PATH", help="default: the default model")
    typing.add_argument(
        "--file", type=Path, metavar="FILE", help="what to type into; default: a standard library module"
    )
    typing.add_argument("--keystrokes", type=whole_number(MIN_KEYSTROKES), default=60, metavar="N", help="default 60")
    typing.add_argument("--json", action="store_true", help="print one JSON object")
    typing.set_defaults(run=_typing)

    index = benches.add_parser("index", help="the workspace index: files per second, reload, memory, changes")
    index.add_argument("folder", type=Path, metavar="DIR", help="the project to index; it is copied first")
    index.add_argument(
        "--files",
        type=whole_number(1),
        default=0,
        metavar="N",
        help="fill up with copies; default: as many as there are",
    )
    index.add_argument("--json", action="store_true", help="print one JSON object")
    index.set_defaults(run=_index)

    random = benches.add_parser("make-random", help="write a GGUF with random weights, to measure speed with")
    random.add_argument("--shape", required=True, choices=("tiny", "aixcoder-7b"))
    random.add_argument(
        "--type", default="q4_0", choices=("f32", "f16", "q8_0", "q4_0"), help="of the weights; default q4_0"
    )
    random.add_argument("out", type=Path, metavar="OUT.gguf")
    random.set_defaults(run=_make_random)


def _typing(args: argparse.Namespace) -> int:
    from midfill_lsp.bench import typing

    try:
        result = typing.run(args.model, args.file, args.keystrokes, _progress)
    except (ModelError, OSError, ValueError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(asdict(result)))
        return 0
    print(f"model                    {result.model}")
    print(f"keystrokes               {result.n_keystrokes}, {result.n_shown} with a suggestion")
    print(f"prompt tokens reused     {result.reused:.1%} (mean after the first keystroke)")
    print(
        f"keystroke to suggestion  p50 {result.wait_p50_ms:.0f} ms, p95 {result.wait_p95_ms:.0f} ms,"
        f" first {result.first_wait_ms:.0f} ms"
    )
    print(f"cancel to worker free    p50 {result.cancel_p50_ms:.1f} ms, p95 {result.cancel_p95_ms:.1f} ms")
    return 0


def _index(args: argparse.Namespace) -> int:
    from midfill_lsp.bench import index

    try:
        result = index.run(args.folder, args.files, _progress)
    except (OSError, ValueError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(asdict(result)))
        return 0
    n_files = result.n_files
    print(f"files                    {n_files:,}, {result.n_source_bytes / n_files:,.0f} bytes each")
    print(f"cold                     {_speed(n_files, result.cold_s, result.cold_cpu_s)}")
    print(f"reload                   {_speed(n_files, result.reload_s, result.reload_cpu_s)}")
    print(
        f"memory per file          {result.bytes_per_file / 1024:.1f} KiB, of which facts"
        f" {result.packed_bytes_per_file / 1024:.1f} KiB"
    )
    print(f"change to new facts      p50 {result.change_p50_ms:.0f} ms, longest {result.change_max_ms:.0f} ms")
    print(f"facts and imports        p50 {result.read_p50_ms:.2f} ms, p99 {result.read_p99_ms:.2f} ms")
    return 0


def _speed(n_files: int, seconds: float, cpu_s: float) -> str:
    return f"{seconds:.2f} s, {n_files / seconds:,.0f} files/s; {cpu_s:.2f} s of CPU, {n_files / cpu_s:,.0f} files/s"


def _make_random(args: argparse.Namespace) -> int:
    from midfill_model.files.random_model import SHAPES, synthetic_vocabulary, write_random_model

    try:
        write_random_model(args.out, SHAPES[args.shape], synthetic_vocabulary(N_PIECES), file_type=args.type)
    except OSError as error:
        print(f"midfill: cannot write {args.out}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")
    return 0


def _progress(message: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{message}", end="", file=sys.stderr, flush=True)
