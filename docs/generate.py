"""Writes the parts of the documentation that the program knows best. `make docs`; a test holds the files to it.

A generated part stands between `<!-- NAME -->` and `<!-- end -->` of a Markdown file. The settings that VS Code offers
are one in `editors/vscode/package.json`.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("lsp/midfill_lsp", "context/midfill_context", "model/midfill_model", "training/midfill_training")
VSCODE = ROOT / "editors/vscode/package.json"
_PART = re.compile(r"(<!-- (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """The settings of the server."""
    from midfill_lsp.settings import settings_table

    return settings_table()


def commands() -> str:
    """Every command and option of `midfill` and `midfill-train`."""
    from midfill_lsp.cli import build_parser
    from midfill_training.cli import build_parser as build_training_parser

    rows = ["| command | what it does |", "|---|---|"]
    for parser in (build_parser(), build_training_parser()):
        rows += [f"| `{usage}` | {text} |" for usage, text in _described(parser, parser.prog, "")]
    return "\n".join(rows) + "\n"


def _described(parser: argparse.ArgumentParser, prog: str, text: str) -> Iterator[tuple[str, str]]:
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not subparsers:
        yield f"{prog} {_usage(parser)}".strip().replace("|", "\\|"), text
    for action in subparsers:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, subparser in action.choices.items():
            yield from _described(subparser, f"{prog} {name}", helps.get(name, ""))


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(_argument(action) for action in parser._actions if action.dest != "help")


def _argument(action: argparse.Action) -> str:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    if action.option_strings:
        shown = action.option_strings[0] if action.nargs == 0 else f"{action.option_strings[0]} {value}"
        return shown if action.required else f"[{shown}]"
    return {"?": f"[{value}]", "*": f"[{value} ...]"}.get(str(action.nargs), str(value))


def client_commands() -> str:
    """What a client may run by `workspace/executeCommand`."""
    from midfill_lsp.client_commands import COMMANDS

    rows = ["| command | what it does |", "|---|---|"]
    for name, command in COMMANDS.items():
        _, *parameters = inspect.signature(command).parameters.values()
        arguments = (each.name + ("" if each.default is each.empty else "?") for each in parameters)
        rows.append(f"| `{name}({', '.join(arguments)})` | {_told(command)} |")
    return "\n".join(rows) + "\n"


def notifications() -> str:
    """What client and server tell each other beyond LSP."""
    from midfill_lsp.server import NOTIFICATIONS
    from midfill_lsp.session import STATUS
    from midfill_lsp.status import status_to_wire

    rows = ["| notification | from | what it says |", "|---|---|---|"]
    rows += [f"| `{name}` | client | {_told(handler)} |" for name, handler in NOTIFICATIONS.items()]
    return "\n".join([*rows, f"| `{STATUS}` | server | {_told(status_to_wire)} |"]) + "\n"


def _told(function: Callable[..., object]) -> str:
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def modules() -> str:
    """Every module with the first line of its docstring."""
    rows = []
    for package in PACKAGES:
        rows += ["", f"**{package}/**", "", "| module | |", "|---|---|"]
        for path in sorted((ROOT / package).rglob("*.py")):
            summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
            line = " ".join(summary.split()).replace("|", "\\|")
            if path.name != "__init__.py" or path.parent.name != package.rpartition("/")[2]:
                rows.append(f"| `{path.relative_to(ROOT / package)}` | {line} |")
    return "\n".join(rows[1:]) + "\n"


def formats() -> str:
    """The prompt formats, part by part."""
    from midfill_model.prompts.formats import BY_NAME

    rows = ["| format | layout | a snippet |", "|---|---|---|"]
    for each in BY_NAME.values():
        layout, snippet = (
            " ".join(f"`{part}`".replace("\n", "⏎") for part in row) for row in (each.layout, each.snippet)
        )
        rows.append(f"| {each.name} | {layout} | {snippet} |".replace("<|", "<\\|").replace("|>", "\\|>"))
    return "\n".join(rows) + "\n"


def _code(parts: tuple[str, ...]) -> str:
    return " ".join(f"`{part}`".replace("\n", "⏎") for part in parts)


# Of what a workspace may not set at all, or only when the user trusts it, VS Code must know.
_SCOPES = {"model": "machine-overridable", "lora": "machine-overridable", "remote": "machine"}
_NOT_FOR_VSCODE = {"fallbackCompletion"}  # it has inline completion
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}


def vscode_settings() -> dict[str, dict[str, Any]]:
    """The settings of the server as VS Code wants them declared."""
    from midfill_lsp.settings import SECTION, Settings, leaves

    return {
        f"{SECTION}.{key}": _declared(key, declared.metadata, default)
        for key, declared, default in leaves(Settings())
        if key not in _NOT_FOR_VSCODE
    }


def _declared(key: str, limits: Any, default: object) -> dict[str, Any]:
    description = limits["description"][0].upper() + limits["description"][1:] + "."
    wanted = {
        "type": _JSON_TYPES[type(default)],
        "default": list(default) if isinstance(default, tuple) else default,
        "items": {"type": "string"} if isinstance(default, tuple) else None,
        "enum": limits["choices"],
        "minimum": limits["low"],
        "maximum": limits["high"],
        "scope": _SCOPES.get(key.partition(".")[0]),
        "description": description,
    }
    return {name: value for name, value in wanted.items() if value not in (None, ())}


def _with_vscode_settings(text: str) -> str:
    package = json.loads(text)
    (suggestions,) = (each for each in package["contributes"]["configuration"] if each["title"] == "Suggestions")
    suggestions["properties"] = vscode_settings()
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    each.__name__: each for each in (settings, commands, client_commands, notifications, modules, formats)
}


def generated() -> Iterator[tuple[Path, str, str]]:
    """Each file with generated parts: its path, its text, and the text it should have."""
    text = VSCODE.read_text(encoding="utf-8")
    yield VSCODE, text, _with_vscode_settings(text)
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), VSCODE.with_name("README.md")]):
        text = path.read_text(encoding="utf-8")
        yield path, text, _PART.sub(lambda part: part[1] + PARTS[part["name"]]() + part[3], text)


def main() -> None:
    """Bring every file up to date."""
    for path, text, wanted in generated():
        if text != wanted:
            path.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
