"""Run by `test_python_truth`: answers from stdin what Python's own import system makes of imports.

Each line asks `[package, module, names]`, where `module` has its dots and `names` is null for `import module`. The
answer has a file for each name, or one for the module; null for what Python cannot find.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
import warnings
from types import ModuleType


def origin(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        return None
    return spec.origin if spec else None


def answer(package: str, module: str, names: list[str] | None) -> list[str | None]:
    name = importlib.util.resolve_name(module, package)
    if names is None:
        return [origin(name)]
    try:
        loaded = importlib.import_module(name)
    except BaseException:
        return [origin(name) for _ in names]
    return [origin_of_name(loaded, taken) for taken in names]


def origin_of_name(module: ModuleType, name: str) -> str | None:
    value = vars(module).get(name)
    if isinstance(value, ModuleType):
        return getattr(value, "__file__", None)
    if value is None and hasattr(module, "__path__") and (found := origin(f"{module.__name__}.{name}")):
        return found
    return getattr(module, "__file__", None)


warnings.simplefilter("ignore")
questions = [json.loads(line) for line in sys.stdin]
with contextlib.redirect_stdout(sys.stderr):
    answers = [answer(*question) for question in questions]
json.dump(answers, sys.stdout)
