"""Definitions of one file as a piece of code: signatures, heads of documentation, members below their classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from midfill_context.cursor import Chunk
from midfill_context.retrieval.texts import blanked
from midfill_context.syntax.definitions import CLASSES, Definition
from midfill_context.syntax.facts import FileFacts
from midfill_context.syntax.skeleton import skeleton

MAX_DOC_CHARS = 100
_SENTENCE = re.compile(r"(?<=[.!?])\s")


def definitions_chunk(path: str, facts: FileFacts, wanted: Iterable[Definition], heads: Iterable[Definition]) -> Chunk:
    """The wanted definitions in the order of their file, with the heads of the classes that they are members of."""
    shown = sorted({*wanted, *heads}, key=lambda known: (known.start, -known.end))
    classes = {known.qualified_name for known in shown if known.kind in CLASSES}
    brief = replace(facts, definitions=tuple(map(_brief, shown)))
    text = "\n".join(skeleton(known, brief) for known in brief.definitions if known.scope not in classes)
    last = max(known.last_line for known in shown)
    return Chunk(path, shown[0].first_line, last, blanked(text))


def _brief(definition: Definition) -> Definition:
    """With the first sentence of the documentation, as far as that is short."""
    sentence = _SENTENCE.split(definition.doc, maxsplit=1)[0]
    return definition._replace(doc=sentence if len(sentence) <= MAX_DOC_CHARS else "")
