"""Which definitions of other files bear on a cursor, the likeliest to be needed first.

A definition gets the weight of the best reason for it. Nothing here is learnt: the weights say what comes before what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

from midfill_context.cursor import Cursor
from midfill_context.retrieval.expressions import expression_types
from midfill_context.retrieval.names import Meaning, Names
from midfill_context.retrieval.surroundings import Surroundings
from midfill_context.retrieval.words import terms
from midfill_context.syntax.definitions import CLASSES, FUNCTIONS, VALUES, Definition

# Weights by reason. A name on the line of the cursor has 1, one a screen away a fifth of that.
RECEIVER, CALLEE, UNUSED, BASES, PARAMETERS, IMPORTED, OPENED, ONE_HOP = 3.0, 2.0, 0.8, 0.7, 0.7, 0.25, 0.1, 0.3
# Of a class that is wanted: its constructor, and what it has besides.
_CONSTRUCTOR, _MEMBER = 0.95, 0.12
_N_FIELDS = 12  # that stand in for a constructor
_SHARED_TERM = 0.25  # for a term that the lines around have as well
_TYPED, _VALUE, _PRIVATE = 2.0, 0.5, 0.3
_CONSTRUCTORS = frozenset({"__init__", "constructor", "new", "initialize", "__construct", "init"})
_N_HOPS_FROM = 8  # definitions whose signatures are followed to the types in them
_NEAR_ENOUGH = 0.6  # names whose terms say what the line is about

Reason = tuple[Meaning, float, str]


class Wanted(NamedTuple):
    """A definition that a prompt may show, and in words what for."""

    path: str
    definition: Definition
    weight: float
    why: str


def wanted_definitions(
    cursor: Cursor,
    around: Surroundings,
    names: Names,
    max_definitions: int,
    is_late: Callable[[], bool],
) -> list[Wanted]:
    """The definitions that bear on a cursor, best first; where time runs out, those found until then."""
    search = _Search(cursor, around, names)
    for source in (search.receiver, search.callee, search.enclosing, search.near, search.imported):
        for reason in source():
            search.take(*reason)
            if is_late():
                return search.ranked(max_definitions)
    for path, definition, weight, _ in search.ranked(_N_HOPS_FROM):
        for known in names.signature_types(Meaning(path, definition)):
            search.take(known, weight * ONE_HOP, f"in the signature of {definition.name}")
        if is_late():
            break
    return search.ranked(max_definitions)


@dataclass
class _Search:
    """One search: each method yields what it finds with a weight and a reason."""

    cursor: Cursor
    around: Surroundings
    names: Names

    def __post_init__(self) -> None:
        self._best: dict[tuple[str, int], Wanted] = {}  # by file and place in it
        self._near_terms = {
            term
            for chain, nearness in self.around.near.items()
            if nearness >= _NEAR_ENOUGH
            for word in chain
            for term in terms(word)
        }

    def receiver(self) -> Iterator[Reason]:
        """`receiver.` is what the cursor stands behind: the members of what it means."""
        shown = ".".join(self.around.receiver)
        for meaning in self._types(self.around.receiver):
            if meaning.definition:
                yield meaning, RECEIVER, f"what {shown} is"
            for member in self.names.members(meaning):
                yield member, RECEIVER * _access(member.definition), f"of {shown}"

    def callee(self) -> Iterator[Reason]:
        """The call whose arguments are being written."""
        *owner, name = self.around.callee or ("",)
        found = self.names.of((*owner, name), self.cursor.path)
        for meaning in found or self.names.follow(self._types(owner), [name]):
            yield meaning, CALLEE, f"{'.'.join((*owner, name))}(...) is being written"

    def enclosing(self) -> Iterator[Reason]:
        """The bases of the class around the cursor, and the types of the function's parameters."""
        path, line = self.cursor.path, self.around.line
        around = self.names.enclosing(path, line, CLASSES)
        for base in self.names.with_bases(around)[1:] if around else ():
            yield base, BASES, "a base of the class around"
        function = self.names.enclosing(path, line, FUNCTIONS)
        for known in self.names.signature_types(function) if function else ():
            yield known, PARAMETERS, "in the signature of the function around"

    def near(self) -> Iterator[Reason]:
        for chain, nearness in self.around.near.items():
            for meaning in self.names.of(chain, self.cursor.path):
                yield meaning, nearness, "used nearby"

    def imported(self) -> Iterator[Reason]:
        """All that the file imports; what it does not use anywhere yet is likely to come next."""
        facts = self.names.facts(self.cursor.path)
        for name, meaning in self.names.imported(self.cursor.path):
            is_used = facts is not None and facts.identifiers.get(name.rpartition(".")[2], 0) > 1
            weight, why = (IMPORTED, "imported") if is_used else (UNUSED, "imported and not used yet")
            yield meaning, weight, why
            if meaning.definition is None:
                for member in self.names.members(meaning):
                    yield member, weight * _MEMBER * _access(member.definition), f"of {name}, {why}"
        for path in self.names.opened(self.cursor.path):
            for member in self.names.members(Meaning(path, None)):
                yield member, OPENED, f"of {path}"

    def take(self, meaning: Meaning, weight: float, why: str) -> None:
        """Note a reason, of a class for its members as well."""
        path, definition = meaning
        if path == self.cursor.path or definition is None:
            return
        self._note(path, definition, weight, why)
        if definition.kind in CLASSES:
            members = [member for _, member in self.names.own_members(meaning) if member]
            making = [member for member in members if member.name in (*_CONSTRUCTORS, definition.name)]
            # Without a constructor of its own a class is made of its fields: records, structs, data classes.
            making = making or [member for member in members if member.kind in VALUES][:_N_FIELDS]
            for member in members:
                part = _CONSTRUCTOR if member in making else _MEMBER
                self._note(path, member, weight * part * _access(member), why)

    def ranked(self, n: int) -> list[Wanted]:
        """The best definitions found so far."""
        return nlargest(n, self._best.values(), key=lambda wanted: wanted.weight)

    def _note(self, path: str, definition: Definition, weight: float, why: str) -> None:
        weight *= self._fit(definition)
        known = self._best.get((path, definition.start))
        if known is None or known.weight < weight:
            self._best[path, definition.start] = Wanted(path, definition, weight, why)

    def _types(self, chain: Sequence[str]) -> list[Meaning]:
        return expression_types(tuple(chain), self.cursor, self.around.line, self.names)

    def _fit(self, definition: Definition) -> float:
        """How well a name goes with the names on the lines around, and with what is typed of it already."""
        fit = 1 + _SHARED_TERM * min(2, len(self._near_terms.intersection(terms(definition.name))))
        if definition.kind in VALUES and not definition.scope:
            fit *= _VALUE
        typed = self.around.typed
        return fit * _TYPED if typed and definition.name.startswith(typed) else fit


def _access(definition: Definition | None) -> float:
    """What a private name counts for where it is not named itself."""
    is_private = definition and definition.name.startswith("_") and definition.name not in _CONSTRUCTORS
    return _PRIVATE if is_private else 1.0
