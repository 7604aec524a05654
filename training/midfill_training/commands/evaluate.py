"""`midfill-train evaluate`: a model on a benchmark, as it is served; or two files of answers against each other."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_training.commands.arguments import whole_number

if TYPE_CHECKING:
    from midfill_training.commands.arguments import Subparsers
    from midfill_training.evaluation.evaluation import Evaluated


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill-train evaluate`."""
    parser = subparsers.add_parser("evaluate", help="judge a model on a benchmark, or compare two files of answers")
    parser.add_argument(
        "--suite", metavar="NAME", help="santacoder-fim, humaneval-infilling, crosscodeeval, safim or fim-eval"
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="the suite's rows as .jsonl or .jsonl.gz")
    parser.add_argument("--model", metavar="NAME|PATH", help="a model of the catalogue or a GGUF")
    parser.add_argument("--lora", type=Path, metavar="FILE.gguf", help="an adapter to lay over the model")
    parser.add_argument("--limit", type=whole_number(1), metavar="N", help="at most N cases of each group")
    parser.add_argument("--raw", action="store_true", help="also without midfill's ending rules")
    parser.add_argument("--healed-prefix", action="store_true", help="also prefix-only: the baseline of a FIM model")
    parser.add_argument("--max-tokens", type=whole_number(1), default=0, metavar="N", help="default: the suite's")
    parser.add_argument("--max-prompt-tokens", type=whole_number(16), default=1024, metavar="N", help="default 1024")
    parser.add_argument("--threads", type=whole_number(1), default=0, metavar="N", help="default: for this machine")
    parser.add_argument(
        "--results", type=Path, metavar="FILE.jsonl", help="where answers are kept; default SUITE-MODEL.jsonl"
    )
    parser.add_argument("--page", type=Path, metavar="FILE.html", help="write tables and a plot as a page")
    parser.add_argument("--json", type=Path, metavar="FILE.json", help="write all figures")
    parser.add_argument("--check", action="store_true", help="no model: score the right answers, then empty ones")
    parser.add_argument(
        "--compare", type=Path, nargs=2, metavar=("A.jsonl", "B.jsonl"), help="the answers in A against those in B"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say."""
    if args.compare:
        return _compare(args)
    wanted = {"--suite": args.suite, "--data": args.data} | ({} if args.check else {"--model": args.model})
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        print(f"midfill-train: evaluate needs {', '.join(missing)}", file=sys.stderr)
        return 2
    return _check(args) if args.check else _evaluate(args)


def _evaluate(args: argparse.Namespace) -> int:
    from midfill_training.evaluation.evaluation import Options, evaluate
    from midfill_training.evaluation.report import write_report
    from midfill_training.evaluation.suites.table import find_suite
    from midfill_training.output import check_output

    suite = find_suite(args.suite)
    for path in filter(None, (args.page, args.json)):
        check_output(path, force=True)  # before hours of work
    options = Options(
        limit=args.limit,
        raw=args.raw,
        baseline=args.healed_prefix,
        max_tokens=args.max_tokens,
        max_prompt_tokens=args.max_prompt_tokens,
        n_threads=args.threads,
        lora=args.lora,
    )
    done = evaluate(suite, args.data, args.model, options, args.results)
    _print(done)
    if args.page:
        write_report(args.page, done, suite.metrics[0])
    if args.json:
        _write_json(args.json, done)
    return 0


def _check(args: argparse.Namespace) -> int:
    from midfill_training.evaluation.evaluation import check
    from midfill_training.evaluation.suites.table import find_suite

    for done in check(find_suite(args.suite), args.data, args.limit):
        _print(done)
    return 0


def _compare(args: argparse.Namespace) -> int:
    from midfill_training.evaluation.comparison import compare_results
    from midfill_training.evaluation.report import differences_table, write_comparison
    from midfill_training.evaluation.results import read_results
    from midfill_training.report.page import table_lines

    one, other = map(read_results, args.compare)
    found = compare_results(one, other)
    if args.page:
        write_comparison(args.page, one[0], other[0], found)
    if args.json:
        _write(args.json, [asdict(each) for each in found])
    print(*table_lines(differences_table(found, one[0].model, other[0].model)), sep="\n")
    return 0


def _print(done: Evaluated) -> None:
    from midfill_training.evaluation.report import differences_table, results_table
    from midfill_training.report.page import table_lines

    prompt = f", prompt format {done.origin.prompt_format}" if done.origin.prompt_format else ""
    print(f"{done.origin.suite}: {done.origin.model}{prompt}, {len(done.cases)} cases; % [95 % interval]")
    print(*table_lines(results_table(done.lines)), sep="\n")
    if done.gains:
        print(*table_lines(differences_table(done.gains)), sep="\n")


def _write_json(path: Path, done: Evaluated) -> None:
    _write(path, {name: asdict(done)[name] for name in ("origin", "lines", "gains")})


def _write(path: Path, content: object) -> None:
    from midfill_training.output import replacing

    with replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
