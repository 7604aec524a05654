"""Person names where a file says that a name follows: author tags, copyright lines, sign-offs.

A rule, not a model: names elsewhere in a text are left to the recogniser that `SensitiveSettings.names` may name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from midfill_context.secrets import lines_with, lowered

# Ann, O'Neil, Jean-Luc, McKay.
_WORD = r"[A-ZÀ-ÖØ-Þ](?:['’][A-ZÀ-Þ])?[a-zß-öø-ÿ]+(?:['’-][A-ZÀ-Þ]?[a-zß-öø-ÿ]+)*(?:[A-Z][a-z]+)?"
_NAME = re.compile(rf"{_WORD}(?: (?:[A-Z]\.|{_WORD}|van|von|de|der|den|da|di|la|le|bin|al))*(?: {_WORD})")
# What a name stands after: a tag, then perhaps a sign, years, "by" and a quote.
_TAG = re.compile(
    r"(?:[@\\]author\{?|@maintainer|__author__|__maintainer__|\bauthors?\b|\bmaintainers?\b|\bcontributors?\b"
    r"|\b(?:written|created|developed|contributed|implemented) by|\b(?:signed-off|reviewed|co-authored)-by"
    r"|\bcopyright(?: \(c\)| ©|:)*|\(c\)|©)"
    r"[ \t]*(?:\(c\)|©)?[ \t]*(?:[:=]|is)?[ \t]*"
    r"(?:\d{4}(?:[ \t]*[-–,][ \t]*(?:\d{4}|present))*,?[ \t]+)?(?:by[ \t]+)?[\"'(\[]{0,2}",
    re.I,
)
_ANCHORS = (  # without which there is no tag
    *("author", "maintainer", "contribut", "written by", "created by", "developed by", "implemented by", "-by:"),
    *("copyright", "(c)", "©"),
)
_NEXT = re.compile(r"(?: ?<[^<>\n]*>| ?\([^()\n]*\))?(?:, and |, | and | & |; )")
_ORGANISATION = re.compile(
    r"\b(?:Inc|LLC|Ltd|GmbH|AG|SA|Corp|Corporation|Co|Company|Foundation|Authors?|Contributors?|Project|Team|Software|"
    r"University|Universit\w+|Institute|Group|Labs?|Laborator\w+|Technologies|Systems|Community|Developers?|Committers?|Association|"
    r"Organization|Consortium|Department|Reserved|License|Licensed|Copyright|Rights|Google|Microsoft|Apache|Open|"
    r"The|This|All|Information|Holders?|Notice|Research|Center|Centre|Committee|Regents)\b"
)


def tagged_names(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each name; organisations are no persons. Of a list (`A B, C D and E F`) all are found."""
    for start, line in set(lines_with(lowered(text), _ANCHORS)):
        yield from _in_line(text[start : start + len(line)], start)


def _in_line(line: str, start: int) -> Iterator[tuple[int, int]]:
    for tag in _TAG.finditer(line):
        name = _NAME.match(line, tag.end())
        while name and not _ORGANISATION.search(name[0]):
            yield start + name.start(), start + name.end()
            following = _NEXT.match(line, name.end())
            name = _NAME.match(line, following.end()) if following else None
