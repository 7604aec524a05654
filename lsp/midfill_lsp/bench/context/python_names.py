"""Which definition a name in a Python project stands for, by Python's own `ast` and import rules.

The ground truth of the retrieval benchmarks: nothing of midfill's own syntax trees or import resolution is used. What
is not certain (names bound twice, made at run time, or modules of one name in two places) has no answer.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

MAX_HOPS = 20

Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Place:
    """A function or class: the file that defines it and its signature, from `def` or `class` to the colon."""

    path: str
    name: str
    signature: str


@dataclass
class Module:
    """A file as it can be imported. `bound` are its names: a definition, the dotted name of what is imported, or None.

    `wildcards` are the modules of which it takes everything.
    """

    path: str
    name: str
    text: str
    tree: ast.Module
    bound: dict[str, Defined | str | None] = field(default_factory=dict)
    wildcards: list[str] = field(default_factory=list)


class PythonProject:
    """The modules of a project; `texts` are its files by path. Those that Python cannot parse are left out."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.modules: dict[str, Module] = {}
        twice = set()
        for path, text in texts.items():
            with suppress(SyntaxError, ValueError, RecursionError):
                module = Module(path, _module_name(path, texts), text, ast.parse(text))
                if module.name in self.modules:
                    twice.add(module.name)
                self.modules[module.name] = module
        for name in twice:
            del self.modules[name]
        for module in self.modules.values():
            _bind(module, _statements(module.tree.body))

    def definition(self, dotted: str) -> Place | None:
        """What an absolute dotted name, as `package.module.Class.method`, stands for."""
        for _ in range(MAX_HOPS):
            module, rest = self._split(dotted)
            if module is None or not rest:
                return None
            found = self._attribute(module, rest[0])
            if isinstance(found, str):
                dotted = ".".join((found, *rest[1:]))
                continue
            for name in rest[1:]:
                found = _member(found, name)
            return Place(module.path, rest[-1], _signature(module.text, found)) if found else None
        return None

    def _split(self, dotted: str) -> tuple[Module | None, list[str]]:
        """The module that a dotted name begins with, and the attributes behind it. A package's own names win."""
        parts = dotted.split(".")
        for n_parts in range(1, len(parts) + 1):
            module = self.modules.get(".".join(parts[:n_parts]))
            longer = ".".join(parts[: n_parts + 1])
            is_submodule = n_parts < len(parts) and longer in self.modules
            if module and not (is_submodule and module.bound.get(parts[n_parts], longer) == longer):
                return module, parts[n_parts:]
        return None, parts

    def _attribute(self, module: Module, name: str) -> Defined | str | None:
        if name in module.bound or name.startswith("_"):
            return module.bound.get(name)
        sources = [source for source in module.wildcards if self._has(source, name)]
        return f"{sources[0]}.{name}" if len(sources) == 1 else None

    def _has(self, module: str, name: str) -> bool:
        found = self.modules.get(module)
        return found is not None and (name in found.bound or bool(found.wildcards))


def imported_names(module: Module) -> dict[str, str]:
    """The names that a file knows by its imports alone, anywhere in it, as absolute dotted names."""
    whole = Module(module.path, module.name, module.text, module.tree)
    _bind(whole, (node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)))
    others = set(_bound_otherwise(module.tree))
    return {name: found for name, found in whole.bound.items() if isinstance(found, str) and name not in others}


def _module_name(path: str, paths: Mapping[str, str]) -> str:
    """The name by which Python imports a file from the folder above its outermost package."""
    *folders, file = path.split("/")
    first = len(folders)
    while first and "/".join([*folders[:first], "__init__.py"]) in paths:
        first -= 1
    name = file.removesuffix(".py")
    return ".".join(folders[first:] + ([] if name == "__init__" and first < len(folders) else [name]))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module or class is made, those under `if`, `try` and `with` included."""
    for node in body:
        yield node
        for inner in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(node, inner, []))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield from _statements(handler.body)


def _bind(module: Module, statements: Iterator[ast.AST]) -> None:
    for node in statements:
        for name, value in _bindings(node, module):
            known = module.bound.setdefault(name, value)
            if known != value:
                module.bound[name] = None
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module.wildcards.append(_source(node, module))


def _bindings(node: ast.AST, module: Module) -> Iterator[tuple[str, Defined | str | None]]:
    if isinstance(node, Defined):
        yield node.name, node
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield alias.asname or top, alias.name if alias.asname else top
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or alias.name, f"{_source(node, module)}.{alias.name}"
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id, None


def _source(node: ast.ImportFrom, module: Module) -> str:
    """The absolute name of the module that a statement takes names from."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    is_package = module.path.endswith("/__init__.py")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _bound_otherwise(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, Defined | ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg


def _member(owner: Defined | None, name: str) -> Defined | None:
    """The method or class of a name in a class's own body."""
    body = owner.body if isinstance(owner, ast.ClassDef) else []
    found = [node for node in body if isinstance(node, Defined) and node.name == name]
    return found[0] if len(found) == 1 else None


def _signature(text: str, node: Defined) -> str:
    """The source of a definition up to the colon before its body."""
    lines = text.split("\n")[node.lineno - 1 :]
    lines[0] = lines[0].encode()[node.col_offset :].decode()
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        if token.string == ":" and not depth:
            row, column = token.end
            return "\n".join([*lines[: row - 1], lines[row - 1][:column]])
    raise ValueError(f"line {node.lineno} has no signature")
