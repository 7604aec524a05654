"""A definition as a prompt shows it: signature and head of the documentation, of a class its members too; no bodies."""

from __future__ import annotations

from collections.abc import Sequence

from midfill_context.languages import language
from midfill_context.syntax.definitions import NAMESPACES, VALUES, Definition
from midfill_context.syntax.facts import FileFacts

MAX_MEMBERS = 40
_INDENT = "    "
# How a language writes that a body is left out, how it opens a class and how it ends one; braces without a row here.
_FORMS = {"python": (" ...", "", ""), "ruby": ("; end", "", "end"), "lua": (" end", "", "end")}
_BRACES = (" { ... }", " {", "}")
_WITHOUT_BODY = VALUES | {"type", "macro"}
_BODILESS_MEMBERS = frozenset({"interface", "trait"})


def skeleton(definition: Definition, facts: FileFacts) -> str:
    """The text of a definition without bodies, with its members where it is a class; `facts` are those of its file."""
    body, opening, end = _FORMS.get(facts.language, _BRACES)
    members = [] if definition.kind in NAMESPACES else _members(definition, facts)
    if not members:
        return _text(definition, facts.language, body)
    inside = [known for known in members if known.start < definition.end]
    names = {known.name for known in inside}
    outside = [known for known in members if known.start >= definition.end and known.name not in names]
    member_body = "" if definition.kind in _BODILESS_MEMBERS else body
    lines = [_text(definition, facts.language, opening)]
    lines += [_INDENT + line for known in inside for line in _signature(known, member_body).split("\n")]
    lines += [end] if end else []
    return "\n".join([*lines, *(_signature(known, body) for known in outside)])


def _members(definition: Definition, facts: FileFacts) -> Sequence[Definition]:
    """Methods of Go or Rust stand outside of their type. Fields that share a statement (`int x, y`) count once."""
    if definition.kind in VALUES or definition.kind in ("function", "method"):
        return []
    found = (known for known in facts.definitions if known.scope == definition.qualified_name)
    return list({(known.start, known.signature): known for known in found}.values())[:MAX_MEMBERS]


def _text(definition: Definition, language_id: str, ending: str) -> str:
    """A definition with its documentation, a docstring in Python and a comment elsewhere."""
    if not definition.doc:
        return _signature(definition, ending)
    if language_id == "python":
        return f'{definition.signature}\n{_INDENT}"""{definition.doc}"""'
    row = language(language_id)
    mark = (row and row.line_comment) or "//"
    return f"{mark} {definition.doc}\n{_signature(definition, ending)}"


def _signature(definition: Definition, ending: str) -> str:
    """A signature, with `ending` in place of the body that it has."""
    has_no_body = definition.signature.endswith(";") or (definition.kind in _WITHOUT_BODY and ending != " {")
    return definition.signature if has_no_body else definition.signature + ending
