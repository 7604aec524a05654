"""Everything a user can set, as one tree of frozen dataclasses: `snake_case` here, `camelCase` on the wire.

A field carries its own description and range, from which checking, the table in the README and the choice of
what needs a new engine are derived. A bad value never stops the server: the key keeps what it had and is
named in a problem, which the server shows."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

SECTION = "midfill"

Value = TypeVar("Value")
Tree = TypeVar("Tree", "RemoteSettings", "Settings")


def _setting(
    default: Value,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    reopens: bool = False,
) -> Value:
    """A field with its description and what it accepts; `reopens` marks what only a new engine can take
    up."""
    metadata = {"description": description, "low": low, "high": high, "choices": choices, "reopens": reopens}
    declared: Any = field(default=default, metadata=metadata)
    return declared  # type: ignore[no-any-return]  # the dataclass decorator turns it into `Value`


@dataclass(frozen=True)
class RemoteSettings:
    """A server that completes instead of a model on this machine; naming its url is what switches it on."""

    url: str = _setting(
        "", "llama-server or OpenAI-compatible endpoint; empty: nothing leaves the machine", reopens=True
    )
    model: str = _setting("", "model name sent to the endpoint", reopens=True)
    api_key_env: str = _setting("", "environment variable that holds the endpoint's API key", reopens=True)


@dataclass(frozen=True)
class Settings:
    """The settings in force."""

    enabled: bool = _setting(True, "whether anything is suggested; off frees the model's memory", reopens=True)
    model: str = _setting("", "catalogue name or path of a GGUF file; empty: the default model", reopens=True)
    lora: str = _setting("", "path of a GGUF LoRA adapter to lay over the model; empty: none", reopens=True)
    disabled_languages: tuple[str, ...] = _setting((), "language ids in which nothing is suggested")
    max_tokens: int = _setting(48, "longest completion in tokens", low=1, high=4096)
    max_prompt_tokens: int = _setting(
        1024, "how much of the file goes into a prompt, in tokens", low=16, high=1 << 20, reopens=True
    )
    max_snippet_tokens: int = _setting(
        1024, "how much of other files goes into a prompt, in tokens; 0: nothing", low=0, high=1 << 20, reopens=True
    )
    similarity: str = _setting(
        "bm25", "what ranks similar code of other files; jaccard: among the best by BM25", choices=("bm25", "jaccard")
    )
    cold_wait_ms: int = _setting(
        1_200,
        "how long a suggestion may wait for its prompt, in ms; a shorter one answers if it would take longer",
        low=0,
        high=600_000,
        reopens=True,
    )
    prompt_budget_ms: int = _setting(10_000, "time for reading the prompt, in ms", low=1, high=600_000)
    decode_budget_ms: int = _setting(1_200, "time for writing the completion, in ms", low=1, high=600_000)
    debounce_ms: int = _setting(
        0, "pause in typing before the model is asked, in ms; 0: by your rhythm and its speed", low=0, high=10_000
    )
    n_threads: int = _setting(0, "threads of the model; 0: chosen for this machine", low=0, high=1024, reopens=True)
    context_tokens: int = _setting(
        0, "context length in tokens; 0: chosen for the model", low=0, high=1 << 20, reopens=True
    )
    fallback_completion: bool = _setting(
        False, "offer suggestions in the ordinary completion menu, for editors without inline completion"
    )
    temperature: float = _setting(0.0, "randomness of sampling; 0: always the likeliest token", low=0, high=5)
    top_p: float = _setting(1.0, "sample from the likeliest tokens that hold this share of probability", low=0, high=1)
    min_p: float = _setting(0.0, "sample only tokens this likely in relation to the likeliest", low=0, high=1)
    min_logprob: float = _setting(
        0.0,
        "how sure the model must be: least mean log-probability of a suggestion's tokens; 0: as measured for the model",
        low=-100,
        high=0,
    )
    statistics: bool = _setting(True, "whether suggestions are counted for `midfill stats`, on this machine alone")
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    log_level: str = _setting("warning", "how much goes to the log", choices=("debug", "info", "warning", "error"))


def settings_from(wire: object, base: Settings | None = None) -> tuple[Settings, list[str]]:
    """The settings of a wire object over `base`, and the problems found in it, each of which names its key.

    The object may be wrapped in a `midfill` section. `null`, of the whole or of a key, sets nothing.
    """
    problems: list[str] = []
    if isinstance(wire, Mapping) and SECTION in wire:
        wire = wire[SECTION]
    return _overlaid(base or Settings(), wire, "", problems), problems


def needs_new_engine(old: Settings, new: Settings) -> bool:
    """Whether the change between two settings touches what an engine is opened with."""
    return _opened_with(old) != _opened_with(new)


def settings_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | default | accepts | meaning |", "|---|---|---|---|"]
    for key, declared, default in leaves(Settings()):
        shown = json.dumps(default, ensure_ascii=False)
        rows.append(f"| `{key}` | `{shown}` | {_accepts(declared, default)} | {declared.metadata['description']} |")
    return "\n".join(rows) + "\n"


def _accepts(declared: Field[Any], default: object) -> str:
    limits = declared.metadata
    if limits["low"] is not None:
        return f"{limits['low']} to {limits['high']}"
    if limits["choices"]:
        return ", ".join(f"`{choice}`" for choice in limits["choices"])
    return {bool: "`true`, `false`", tuple: "list of strings"}.get(type(default), "string")


def _overlaid(tree: Tree, wire: object, prefix: str, problems: list[str]) -> Tree:
    if wire is None:
        return tree
    if not isinstance(wire, Mapping):
        problems.append(f"{prefix.rstrip('.') or SECTION}: must be an object")
        return tree
    known = {_camel(declared.name): declared for declared in fields(tree)}
    hints = get_type_hints(type(tree))
    changes: dict[str, Any] = {}
    for key, value in wire.items():
        declared = known.get(key)
        if declared is None:
            problems.append(_unknown(prefix + str(key), [prefix + name for name in known]))
        elif is_dataclass(hints[declared.name]):
            changes[declared.name] = _overlaid(getattr(tree, declared.name), value, f"{key}.", problems)
        elif value is not None:
            try:
                changes[declared.name] = _checked(value, hints[declared.name], declared.metadata)
            except ValueError as problem:
                problems.append(f"{prefix}{key}: {problem}")
    return replace(tree, **changes)


def _checked(value: object, kind: object, limits: Mapping[str, Any]) -> object:
    """The value as the field's type, or `ValueError` saying what it must be."""
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise ValueError("must be true or false")
    if kind is int or kind is float:
        return _checked_number(value, kind is int, limits["low"], limits["high"])
    if kind is str:
        if not isinstance(value, str):
            raise ValueError("must be a string")
        if limits["choices"] and value not in limits["choices"]:
            raise ValueError(f"must be one of {', '.join(limits['choices'])}")
        return value
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise ValueError("must be a list of strings")


def _checked_number(value: object, whole: bool, low: float, high: float) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value % 1):
        raise ValueError(f"must be a {'whole ' if whole else ''}number")
    if not low <= value <= high:
        raise ValueError(f"must be between {low} and {high}")
    return int(value) if whole else float(value)


def _unknown(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"{key}: no such setting" + (f", did you mean {nearest[0]}?" if nearest else "")


def leaves(tree: RemoteSettings | Settings, prefix: str = "") -> Iterator[tuple[str, Field[Any], Any]]:
    """Wire key, field and value of every setting, in the order of declaration."""
    for declared in fields(tree):
        value = getattr(tree, declared.name)
        if isinstance(value, RemoteSettings):
            yield from leaves(value, f"{_camel(declared.name)}.")
        else:
            yield prefix + _camel(declared.name), declared, value


def _opened_with(settings: Settings) -> dict[str, Any]:
    return {key: value for key, declared, value in leaves(settings) if declared.metadata["reopens"]}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
