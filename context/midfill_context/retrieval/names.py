"""What names mean in the files of a workspace: through imports, packages, members and the types of what is assigned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from midfill_context.imports.project import Target, name_of
from midfill_context.index.view import IndexView
from midfill_context.retrieval.words import WORD
from midfill_context.syntax.definitions import CLASSES, FUNCTIONS, NAMESPACES, Definition
from midfill_context.syntax.facts import FileFacts

_MAX_OVERLOADS = 3
_MAX_CLASSES = 16  # from which one class derives
_FRONTS = frozenset({"__init__", "index", "mod", "lib"})  # files that are there to pass on the names of others


class Meaning(NamedTuple):
    """What a name stands for: a definition, or where that is None the file itself, as a module."""

    path: str
    definition: Definition | None


@dataclass
class _Table:
    """The definitions of one file: those at its top or in its namespaces by name, and all by scope."""

    at_top: dict[str, list[Definition]] = field(default_factory=lambda: defaultdict(list))
    by_scope: dict[str, list[Definition]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, Definition] = field(default_factory=dict)


@dataclass
class _Imports:
    """What a file imports: by local name, and the files of which it has every name without a prefix."""

    by_name: dict[str, list[Target]] = field(default_factory=lambda: defaultdict(list))
    opened: list[str] = field(default_factory=list)


class Names:
    """Looks names up in a workspace. Made for one request: what it has read it does not read again."""

    def __init__(self, view: IndexView) -> None:
        self._view = view
        self._facts: dict[str, FileFacts | None] = {}
        self._tables: dict[str, _Table] = {}
        self._imports: dict[str, _Imports] = {}
        self._known: dict[tuple[str, str], list[Meaning]] = {}

    def facts(self, path: str) -> FileFacts | None:
        """The facts of a file, the same ones throughout the request."""
        if path not in self._facts:
            self._facts[path] = self._view.facts(path)
        return self._facts[path]

    def imported(self, path: str) -> Iterator[tuple[str, Meaning]]:
        """The names that a file imports, with what they mean."""
        for name, targets in self._imports_of(path).by_name.items():
            for target in targets:
                yield from ((name, meaning) for meaning in self._at(target))

    def class_of(self, path: str, scope: str) -> Definition | None:
        """The class that is the scope of a member."""
        return self._table(path).classes.get(scope)

    def opened(self, path: str) -> Sequence[str]:
        """The files whose names a file has without a prefix: headers, wildcard imports."""
        return self._imports_of(path).opened

    def of(self, chain: Sequence[str], path: str) -> list[Meaning]:
        """What `a.b.c` means in a file; empty for what it does not say, such as the names of variables."""
        for n_first in range(len(chain), 0, -1):
            found = self._of_name(".".join(chain[:n_first]), path)
            if found:
                return self.follow(found, chain[n_first:])
        return []

    def follow(self, found: list[Meaning], names: Sequence[str]) -> list[Meaning]:
        """What is reached from meanings by one member after the other."""
        for name in names:
            found = [member for meaning in found for member in self._member(meaning, name)]
        return found

    def own_members(self, meaning: Meaning) -> Iterator[Meaning]:
        """The definitions right in a class, or at the top of a module and what it passes on of others."""
        path, definition = meaning
        table = self._table(path)
        if definition:
            yield from (Meaning(path, known) for known in table.by_scope.get(definition.qualified_name, ()))
            return
        yield from (Meaning(path, known) for group in table.at_top.values() for known in group)
        if name_of(path).partition(".")[0] in _FRONTS:
            yield from (known for _, known in self.imported(path) if known.definition)
            for opened in self.opened(path):
                yield from (Meaning(opened, known) for group in self._table(opened).at_top.values() for known in group)

    def members(self, meaning: Meaning) -> Iterator[Meaning]:
        """The same with the members of base classes, the nearest class first."""
        for known in self.with_bases(meaning):
            yield from self.own_members(known)

    def with_bases(self, meaning: Meaning) -> list[Meaning]:
        """A class and the classes it derives from, as far as they are in the workspace; the nearest first."""
        found = [meaning]
        for known in found:
            if known.definition and known.definition.kind in CLASSES:
                bases = self._classes(known.definition.signature, known.path)
                found += [base for base in bases if base not in found][: _MAX_CLASSES - len(found)]
        return found

    def types(self, meaning: Meaning) -> list[Meaning]:
        """The classes of a value: a class itself, what a function returns, what a variable is declared to be."""
        definition = meaning.definition
        if definition is None or definition.kind in CLASSES:
            return [meaning]
        signature = definition.signature
        head, _, tail = signature.partition(definition.name)
        if definition.kind in FUNCTIONS:
            tail = signature.rpartition(")")[2]
        return next(filter(None, (self._classes(part, meaning.path, definition) for part in (tail, head))), [])

    def signature_types(self, meaning: Meaning) -> list[Meaning]:
        """All classes that a signature names."""
        definition = meaning.definition
        return self._classes(definition.signature, meaning.path) if definition else []

    def enclosing(self, path: str, line: int, kinds: frozenset[str]) -> Meaning | None:
        """The innermost definition of these kinds around a line."""
        facts = self.facts(path)
        around = [
            known
            for known in (facts.definitions if facts else ())
            if known.first_line <= line <= known.last_line and known.kind in kinds
        ]
        return Meaning(path, around[-1]) if around else None

    def _of_name(self, name: str, path: str) -> list[Meaning]:
        key = path, name
        if key not in self._known:
            self._known[key] = list(islice(self._looked_up(name, path), _MAX_OVERLOADS))
        return self._known[key]

    def _looked_up(self, name: str, path: str) -> Iterator[Meaning]:
        """What stands in the file itself hides what it imports, and that what it has by wildcards and headers."""
        own = self._table(path).at_top.get(name)
        if own:
            yield from (Meaning(path, known) for known in own)
            return
        imports = self._imports_of(path)
        for target in imports.by_name.get(name, ()):
            yield from self._at(target)
        for opened in imports.opened if name not in imports.by_name else ():
            yield from (Meaning(opened, known) for known in self._table(opened).at_top.get(name, ()))

    def _member(self, meaning: Meaning, name: str) -> list[Meaning]:
        if meaning.definition is None:
            return self._of_name(name, meaning.path)
        found: list[Meaning] = []
        for known in self.types(meaning):
            found = [member for member in self.members(known) if member.definition and member.definition.name == name]
            if found:
                break
        return found[:_MAX_OVERLOADS]

    def _classes(self, text: str, path: str, within: Definition | None = None) -> list[Meaning]:
        """The classes that a piece of code names, in its order; `Self` is the class around `within`."""
        found: list[Meaning] = []
        for word in dict.fromkeys(WORD.findall(text)):
            if word == "Self" and within:
                found += self._at(Target("", path, within.scope))
            found += [
                known for known in self._of_name(word, path) if known.definition and known.definition.kind in CLASSES
            ]
        return found

    def _at(self, target: Target) -> list[Meaning]:
        if not target.name:
            return [Meaning(target.path, None)]
        scope, _, name = target.name.rpartition(".")
        table = self._table(target.path)
        found = table.by_scope.get(scope, ()) if scope else table.at_top.get(name, ())
        return [Meaning(target.path, known) for known in found if known.name == name][:_MAX_OVERLOADS]

    def _table(self, path: str) -> _Table:
        found = self._tables.get(path)
        if found is None:
            found = self._tables[path] = _Table()
            facts = self.facts(path)
            namespaces = {""}
            for known in facts.definitions if facts else ():
                found.by_scope[known.scope].append(known)
                if known.kind in CLASSES:
                    found.classes.setdefault(known.qualified_name, known)
                if known.kind in NAMESPACES:
                    namespaces.add(known.qualified_name)
                elif known.scope in namespaces:
                    found.at_top[known.name].append(known)
        return found

    def _imports_of(self, path: str) -> _Imports:
        found = self._imports.get(path)
        if found is None:
            found = self._imports[path] = _Imports()
            is_go = path.endswith(".go")
            for imported, targets in self._view.imported_by(path):
                for target in targets:
                    if is_go:
                        package = imported.alias or name_of(imported.module)
                        found.by_name[package].append(Target(package, target.path, ""))
                    if not target.name and (imported.is_wildcard or not (imported.names or target.local)):
                        found.opened.append(target.path)
                    elif target.local:
                        found.by_name[target.local].append(target)
            for target in self._view.implied_by(path):
                found.by_name[target.local].append(target)
        return found
