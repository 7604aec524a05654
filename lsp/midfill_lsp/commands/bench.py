"""`midfill bench`: measurements on this machine. They print what they did; nothing is stored or sent."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_lsp.commands.arguments import whole_number
from midfill_model.errors import ModelError

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers

MIN_KEYSTROKES = 3  # the first one is left out, and a percentile needs two
N_PIECES = 49_152  # aiXcoder's vocabulary


@dataclass(frozen=True)
class Argument:
    """An argument of the command line; its `dest` is the parameter of the benchmark's `run`."""

    flag: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: the `module` of `midfill_lsp.bench` has `run(..., progress)` and `render(result)`."""

    name: str
    help: str
    module: str
    arguments: tuple[Argument, ...]


def _argument(flag: str, dest: str = "", **options: Any) -> Argument:
    return Argument(flag, options | ({"dest": dest} if dest else {}))


def _count(flag: str, dest: str, default: int, help: str, least: int = 1) -> Argument:
    kind = whole_number(least)
    return _argument(flag, dest, type=kind, default=default, metavar="N", help=f"{help}; default {default}")


_MODEL = _argument("--model", default="", metavar="NAME|PATH", help="default: the default model")
_PROJECTS = _argument("folders", nargs="+", type=Path, metavar="DIR", help="Python projects")
_RESULTS = _argument("--results", type=Path, metavar="FILE", help="keep what the model writes, and go on from there")

BENCHMARKS = (
    Benchmark(
        "typing",
        "a typing session: prompt reuse, waiting times, cancel latency",
        "latency.typing",
        (
            _MODEL,
            _argument("--file", type=Path, metavar="FILE", help="what to type into; default: a library module"),
            _count("--keystrokes", "n_keystrokes", 60, "how many", least=MIN_KEYSTROKES),
        ),
    ),
    Benchmark(
        "latency",
        "waiting times and CPU time beside llama-server, driven as llama.vim does",
        "latency.peer",
        (
            _argument("--peer", required=True, type=Path, metavar="PATH", help="a llama-server"),
            _MODEL,
            _argument("--folder", type=Path, metavar="DIR", help="what to type into; default: midfill's own source"),
        ),
    ),
    Benchmark(
        "prompt-lookup",
        "what guessing the next token saves while writing",
        "latency.prompt_lookup",
        (
            _argument("folders", nargs="+", type=Path, metavar="DIR", help="projects"),
            _MODEL,
            _count("--cursors", "n_cursors", 200, "how many"),
        ),
    ),
    Benchmark(
        "waiting",
        "what it costs how the model's threads wait for each other",
        "latency.waiting",
        (_MODEL, _count("--rounds", "n_rounds", 10, "how many")),
    ),
    Benchmark(
        "ending-overhead",
        "what finding the end of a completion costs for each token",
        "completions.ending_overhead",
        (
            _argument("file", type=Path, metavar="FILE", help="code in a language with a grammar"),
            _count("--lines", "n_lines", 1000, "how much of the file"),
            _count("--places", "n_places", 200, "how many completions"),
        ),
    ),
    Benchmark(
        "validity",
        "whether suggestions break the file, by how they end",
        "completions.validity",
        (
            _argument("folders", nargs="+", type=Path, metavar="DIR", help="projects"),
            _MODEL,
            _count("--cursors", "n_cursors", 2000, "how many"),
            _RESULTS,
        ),
    ),
    Benchmark(
        "endings",
        "whether completions end where they should",
        "completions.endings",
        (
            _argument("data", nargs="+", type=Path, metavar="FILE", help="SantaCoder-FIM or what cut-fim-eval writes"),
            _MODEL,
            _argument("--limit", "per_group", type=whole_number(1), metavar="N", help="cases a group; default: all"),
            _RESULTS,
        ),
    ),
    Benchmark(
        "index",
        "the workspace index: files per second, reload, memory, changes",
        "context.index",
        (
            _argument("folder", type=Path, metavar="DIR", help="the project to index; it is copied first"),
            _count("--files", "n_files", 0, "fill up with copies to so many files", least=0),
        ),
    ),
    Benchmark(
        "checkout",
        "requests while a checkout rewrites many files",
        "context.checkout",
        (
            _argument("folder", type=Path, metavar="DIR", help="the project; it is copied first"),
            _count("--files", "n_files", 3000, "fill up with copies to so many files"),
            _count("--changed", "n_changed", 2000, "how many are rewritten"),
        ),
    ),
    Benchmark(
        "retrieval-speed",
        "what finding snippets adds to a request, in workspaces of 1,000 and 10,000 files",
        "context.retrieval_speed",
        (_count("--sessions", "n_sessions", 40, "how many files are typed into"),),
    ),
    Benchmark(
        "retrieval-quality",
        "whether the definition that a call needs is among the snippets",
        "context.retrieval_quality",
        (
            _PROJECTS,
            _MODEL,
            _count("--cursors", "n_cursors", 500, "how many calls are taken out"),
            _count("--tokens", "max_tokens", 1024, "the budget of the snippets"),
        ),
    ),
    Benchmark(
        "crosscodeeval",
        "how CrossCodeEval's chunks are ranked, beside the order in which they are given",
        "context.crosscodeeval",
        (
            _argument("data", type=Path, metavar="FILE", help="a split of the benchmark, .jsonl.gz"),
            _MODEL,
            _argument("--budgets", nargs="+", type=whole_number(1), default=[256, 512, 1024], metavar="TOKENS"),
        ),
    ),
    Benchmark(
        "likelihood",
        "how likely the model finds the true line with snippets, and without",
        "context.likelihood",
        (
            _PROJECTS,
            _MODEL,
            _count("--cursors", "n_cursors", 150, "how many calls are taken out"),
            _count("--prompt-tokens", "max_prompt_tokens", 1024, "the budget of the prompt"),
            _count("--snippet-tokens", "max_snippet_tokens", 512, "the budget of the snippets in it"),
        ),
    ),
)


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill bench` and its benchmarks."""
    parser = subparsers.add_parser("bench", help="measure on this machine")
    benches = parser.add_subparsers(title="benchmarks", metavar="BENCHMARK", required=True)
    for benchmark in BENCHMARKS:
        bench = benches.add_parser(benchmark.name, help=benchmark.help)
        for argument in benchmark.arguments:
            bench.add_argument(argument.flag, **argument.options)
        bench.add_argument("--json", action="store_true", help="print JSON")
        bench.set_defaults(run=_run, benchmark=benchmark)

    random = benches.add_parser("make-random", help="write a GGUF with random weights, to measure speed with")
    random.add_argument("--shape", required=True, choices=("tiny", "aixcoder-7b"))
    random.add_argument(
        "--type", default="q4_0", choices=("f32", "f16", "q8_0", "q4_0", "q4_k_m"), help="of the weights; default q4_0"
    )
    random.add_argument("out", type=Path, metavar="OUT.gguf")
    random.set_defaults(run=_make_random)


def _run(args: argparse.Namespace) -> int:
    benchmark: Benchmark = args.benchmark
    module = import_module(f"midfill_lsp.bench.{benchmark.module}")
    given = {name: value for name, value in vars(args).items() if name not in ("run", "benchmark", "json")}
    try:
        result = module.run(**given, progress=_progress)
    except (ModelError, OSError, ValueError) as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    print(json.dumps(_plain(result)) if args.json else module.render(result).rstrip())
    return 0


def _plain(result: Any) -> Any:
    return [asdict(each) for each in result] if isinstance(result, Iterable) else asdict(result)


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
