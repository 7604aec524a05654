"""`midfill model list|path|verify|pull|add`: which models there are, where they lie, whether they are whole.

Only `pull` uses the network.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midfill_model.errors import ModelError, ModelUnavailable

if TYPE_CHECKING:
    from midfill_model.files.catalogue import InstalledModel, Licence, ListedModel
    from midfill_model.files.store import Progress

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill model` and its actions."""
    parser = subparsers.add_parser("model", help="list, check and install models")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="all models of the catalogue and of the models folder")
    listing.set_defaults(run=run, action=_list)

    path = actions.add_parser("path", help="print where a model's file is")
    path.add_argument("name", nargs="?", metavar="NAME", help="default: the default model")
    path.set_defaults(run=run, action=_path)

    verify = actions.add_parser("verify", help="compare files with the hashes they should have")
    verify.add_argument("names", nargs="*", metavar="NAME|PATH", help="default: all installed models")
    verify.set_defaults(run=run, action=_verify)

    pull = actions.add_parser("pull", help="download a model of the catalogue; goes on where it was interrupted")
    pull.add_argument("name", nargs="?", metavar="NAME", help="default: the default model")
    pull.add_argument("--accept-licence", action="store_true", help="accept the licence without being asked")
    pull.set_defaults(run=run, action=_pull)

    add = actions.add_parser("add", help="put a GGUF of yours into the models folder, under a name")
    add.add_argument("file", type=Path, metavar="FILE.gguf")
    add.add_argument("--name", metavar="NAME", help="default: the name of the file")
    add.add_argument("--force", action="store_true", help="replace the model of that name")
    add.set_defaults(run=run, action=_add)

    for action in (listing, path, verify, pull, add):
        action.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say; a model error becomes one line on stderr and exit code 1."""
    try:
        code: int = args.action(args)
    except ModelError as error:
        print(f"midfill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmidfill: interrupted; the same command goes on from here", file=sys.stderr)
        return 1
    return code


def _list(args: argparse.Namespace) -> int:
    from midfill_model.files import store
    from midfill_model.files.catalogue import DEFAULT_MODEL, listed_models, size_text

    rows = [_row(model) for model in listed_models()]
    if args.json:
        _print_json({"models_dir": str(store.models_dir()), "default": DEFAULT_MODEL, "models": rows})
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        state = "installed" if row["installed"] else "-"
        print(f"{row['name']:{width}}  {size_text(row['size_bytes']):>8}  {state:9}  {row['title']}")
        print(f"{'':{width}}  {'':8}  {'':9}  licence: {row['licence']}")
    print(f"\nDefault: {DEFAULT_MODEL}. Folder: {store.models_dir()}")
    return 0


def _row(model: ListedModel) -> dict[str, Any]:
    """One model of the list."""
    entry = model.entry
    return {
        "name": model.name,
        "title": model.title,
        "installed": model.is_installed,
        "path": str(model.path),
        "size_bytes": model.size_bytes,
        "licence": entry.licence.name if entry else "unknown to midfill",
        "needs_acceptance": entry.licence.needs_acceptance if entry else False,
        "format": entry.format if entry else None,
        "memory_mib": entry.memory_mib if entry else None,
        "source": str(entry.source) if entry else None,
    }


def _path(args: argparse.Namespace) -> int:
    from midfill_model.files.catalogue import DEFAULT_MODEL, find_model

    model = find_model(args.name or DEFAULT_MODEL)
    if args.json:
        _print_json({"name": model.name, "path": str(model.path)})
    else:
        print(model.path)
    return 0


def _verify(args: argparse.Namespace) -> int:
    from midfill_model.files import store
    from midfill_model.files.catalogue import DEFAULT_MODEL, find_model

    names = args.names or store.stored_names()
    if not names:
        raise ModelUnavailable(f"no models are installed; run `midfill model pull {DEFAULT_MODEL}`")
    results = [_verified(find_model(name)) for name in names]
    if args.json:
        _print_json({"models": results})
    else:
        for result in results:
            print(f"{result['name']}: {result['detail']}")
    return 1 if any(result["status"] == "problem" for result in results) else 0


def _verified(model: InstalledModel) -> dict[str, Any]:
    """One file: its hash against the one it should have, if any, and whether its header is sound."""
    from midfill_model.files import store
    from midfill_model.files.gguf_file import read_header

    record = store.read_record(model.path)
    expected = (model.entry.sha256 if model.entry else None) or (record.sha256 if record else None)
    result: dict[str, Any] = {
        "name": model.name,
        "path": str(model.path),
        "expected": expected,
        "sha256": None,
    }
    try:
        found = store.sha256_of(model.path, _progress(f"checking {model.name}"))
        result["sha256"] = found
        if expected is not None and found != expected:
            again = f"run `midfill model pull {model.name}`" if model.entry else "get the file again"
            return result | {
                "status": "problem",
                "detail": f"SHA-256 is {found} instead of {expected}; {again}",
            }
        read_header(model.path)
    except OSError as error:
        return result | {"status": "problem", "detail": f"cannot be read: {error.strerror or error}"}
    except ModelError as error:
        return result | {"status": "problem", "detail": str(error)}
    if expected is None:
        return result | {
            "status": "unknown",
            "detail": f"sound, and no hash to compare with; SHA-256 {found}",
        }
    return result | {"status": "ok", "detail": f"ok, SHA-256 {found}"}


def _pull(args: argparse.Namespace) -> int:
    from midfill_model.files.catalogue import DEFAULT_MODEL, find_entry
    from midfill_model.files.pull import pull
    from midfill_model.files.store import read_record, stored_path

    entry = find_entry(args.name or DEFAULT_MODEL)
    if not stored_path(entry.name).is_file():
        print(entry, file=sys.stderr)

    def accept(licence: Licence) -> bool:
        print(f"{licence.name}: {licence.summary}\nThe whole text: {licence.url}", file=sys.stderr)
        return bool(args.accept_licence) or _ask(licence)

    path = pull(entry, accept, _progress("downloading"))
    if args.json:
        record = read_record(path)
        _print_json({"name": entry.name, "path": str(path), "sha256": record.sha256 if record else entry.sha256})
    else:
        print(path)
    return 0


def _add(args: argparse.Namespace) -> int:
    from midfill_model.files.adding import add

    name = args.name or args.file.stem
    path = add(args.file, name, _progress("copying"), replace=args.force)
    if args.json:
        _print_json({"name": name, "path": str(path)})
    else:
        print(f"{path}\nUse it as `midfill complete --model {name}` or with the setting model.")
    return 0


def _ask(licence: Licence) -> bool:
    if not sys.stdin.isatty():
        raise ModelUnavailable(f"{licence.name} must be accepted; read it and pass --accept-licence")
    print("Do you accept it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _progress(what: str) -> Progress:
    """Shows whole percents on a terminal, and nothing elsewhere."""
    from midfill_model.files.catalogue import size_text

    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // total if total else 100
        if percent != shown and sys.stderr.isatty():
            shown = percent
            end = "\n" if done >= total else ""
            print(f"\r{what}: {percent} % of {size_text(total)}", end=end, file=sys.stderr, flush=True)

    return show


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
