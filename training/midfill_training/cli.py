"""The `midfill-train` command. Exit codes: 0 done, 1 a problem that the message explains, 2 wrong usage."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_model.errors import ModelError
from midfill_training.commands import (
    corpus,
    cut_fim_eval,
    evaluate,
    examples,
    export,
    fetch,
    finetune,
    lora,
    pack,
    pretrain,
    restore,
    runs,
    tokenizer,
    verify,
)
from midfill_training.errors import TrainingError

if TYPE_CHECKING:
    from midfill_model.files.gguf_file import ModelHeader
    from midfill_training.inspection import Inspection

# In the order of the work: a corpus, rows of tokens, a model, its figures, its GGUF.
COMMANDS = (
    *(fetch, corpus, tokenizer, examples, pack, pretrain, finetune, runs),
    *(evaluate, cut_fim_eval, export, verify, restore, lora),
)
SHOWN_TOKENS = 40  # some vocabularies mark thousands; --json has them all


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the console script exits with what this returns."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except (ModelError, TrainingError) as error:
        print(f"midfill-train: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"midfill-train: {error.name} is missing; run `pip install 'midfill[training]'`", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("midfill-train: interrupted; nothing has its final name yet: run the same command again", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        sys.stderr.close()
        return 1
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="midfill-train", description="make, convert and judge code models")
    parser.add_argument("--version", action="version", version=f"midfill-train {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    inspect = commands.add_parser("inspect", help="what a GGUF is and how midfill would prompt it")
    inspect.add_argument("file", type=Path, metavar="FILE.gguf")
    inspect.add_argument("--json", action="store_true", help="print one JSON object")
    inspect.set_defaults(run=_inspect)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("midfill")
    except metadata.PackageNotFoundError:
        return "of a source tree that is not installed"


def _inspect(args: argparse.Namespace) -> int:
    from midfill_training.inspection import inspect_gguf

    inspection = inspect_gguf(args.file)
    if args.json:
        print(json.dumps(asdict(inspection), indent=2, ensure_ascii=False, default=str))
    else:
        _print_inspection(inspection)
    return 0


def _print_inspection(inspection: Inspection) -> None:
    print(f"{inspection.path}: GGUF version {inspection.gguf_version}, {inspection.file_bytes:,} bytes")
    if inspection.header:
        _print_header(inspection.header)
    print(f"parameters  {inspection.n_parameters:,}")
    for kind in inspection.tensor_types:
        print(f"  {kind.name:8} {kind.n_tensors:5} tensors  {kind.n_bytes / 2**20:10,.1f} MiB")
    print(f"special tokens  {len(inspection.special_tokens)}")
    for token in inspection.special_tokens[:SHOWN_TOKENS]:
        print(f"  {token.token_id:6}  {token.type:12}  {token.piece!r}  {' '.join(token.roles)}".rstrip())
    if len(inspection.special_tokens) > SHOWN_TOKENS:
        print(f"  and {len(inspection.special_tokens) - SHOWN_TOKENS} more (--json has them all)")
    if inspection.prompt_format:
        print(f"midfill can serve it, with the prompt format {inspection.prompt_format}")
    else:
        print(f"midfill cannot serve it: {inspection.refusal}")


def _print_header(header: ModelHeader) -> None:
    fim = {name: token for name, token in asdict(header.fim).items() if token is not None}
    print(f"name        {header.name or '(none)'}, licence {header.licence or '(none)'}")
    print(f"model       {header.architecture}, {header.n_layers} layers, context {header.n_ctx_train:,} tokens")
    print(f"type        {header.file_type}, KV cache {header.kv_bytes_per_token:,} bytes a token at f16")
    print(f"tokenizer   {header.tokenizer}, {header.pre_tokenizer or 'default'}, {header.n_vocab:,} tokens")
    print(f"FIM tokens  {', '.join(f'{name} {token}' for name, token in fim.items()) or 'none in the metadata'}")


if __name__ == "__main__":
    sys.exit(main())
