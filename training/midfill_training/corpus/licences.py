"""Licences as SPDX expressions: read from metadata and licence files, and judged file by file.

Copyleft is out unless asked for, and so is what states no licence (PAPER.md section 1, step 1). The tables are in
`licences.toml`. Where metadata and licence files disagree, both must be accepted.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.settings import LicenceSettings
from midfill_training.corpus.verdict import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

HEADER_CHARACTERS = 2000  # in which a file states its own licence
HEADING_CHARACTERS = 400
LICENCE_FILE = re.compile(r"(un)?licen[cs]e|copying|copyright", re.IGNORECASE)
_STATED = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n]+)")
_TOKEN = re.compile(r"\(|\)|/|,|[^\s()/,]+")


@dataclass(frozen=True)
class LicenceFilter:
    """Drops files whose licence is not accepted. A file's own SPDX header decides over its project's licence."""

    settings: LicenceSettings

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        accepted = {each.lower() for each in (*_table()["accepted"], *self.settings.also_accepted)}
        for file in files:
            licence = stated_in(file.text) or file.licence
            if not licence and not self.settings.accept_unknown:
                yield Verdict(None, "no licence found")
            elif licence and not is_accepted(licence, accepted):
                yield Verdict(None, f"licence {licence}")
            else:
                yield Verdict(file if licence == file.licence else replace(file, licence=licence))


def stated_in(text: str) -> str:
    """The expression of the SPDX header of a file; empty where it has none."""
    found = _STATED.search(text, 0, HEADER_CHARACTERS)
    return re.sub(r"\s*(\*/|-->|--\]\]|\"\"\"|''').*$", "", found.group(1)).strip(" \t#*;\"'") if found else ""


def is_accepted(expression: str, accepted: Collection[str]) -> bool:
    """Whether code under this expression may be used, with `accepted` in lower case: one side of an OR is enough,
    both of an AND are needed. `A/B` is how crates used to write A OR B. False where it cannot be read."""
    tokens = _TOKEN.findall(expression)

    def operand() -> bool:
        token = tokens.pop(0)
        if token == "(":
            value = alternatives()
            if tokens.pop(0) != ")":
                raise ValueError
        elif token in "),/" or token.upper() in ("AND", "OR", "WITH"):
            raise ValueError
        else:
            value = token.lower() in accepted
        if tokens and tokens[0].upper() == "WITH":  # an exception permits more than its licence
            del tokens[:2]
        return value

    def both() -> bool:
        value = operand()
        while tokens and tokens[0].upper() in ("AND", ","):
            tokens.pop(0)
            value = operand() and value
        return value

    def alternatives() -> bool:
        value = both()
        while tokens and tokens[0].upper() in ("OR", "/"):
            tokens.pop(0)
            value = both() or value
        return value

    try:
        value = alternatives()
    except (IndexError, ValueError):
        return False
    return value and not tokens


def expression_of(name: str) -> str:
    """What a metadata field says, as an expression: names in prose are looked up, anything else is left as it is.

    Whole licence texts stand in such fields as well; those are identified. Empty where nothing is known.
    """
    name = name.strip()
    if "\n" in name or len(name) > 200:
        return identified(name)
    return str(_table()["names"].get(name.lower().rstrip("."), name))


def of_classifiers(classifiers: Sequence[str]) -> str:
    """The licence classifiers of a PyPI package as an expression. Several of them offer a choice only where they are
    all permissive, so they are joined by AND."""
    names = [each.rpartition("::")[2].strip() for each in classifiers if each.startswith("License ::")]
    known = (_table()["names"].get(name.lower(), "") for name in names)
    return joined(each for each in known if each)


def joined(expressions: Any) -> str:
    """All of them hold."""
    unique = list(dict.fromkeys(each for each in expressions if each))
    return " AND ".join(f"({each})" if " OR " in each.upper() and len(unique) > 1 else each for each in unique)


def with_files(declared: str, texts: Sequence[str]) -> str:
    """What metadata declares, and every licence file that it does not mention."""
    mentioned = {token.lower() for token in _TOKEN.findall(declared)}
    found = (identified(text) for text in texts)
    return joined([declared, *(each for each in found if each and not _is_mentioned(each, mentioned))])


def _is_mentioned(licence: str, mentioned: Collection[str]) -> bool:
    """`GPL-2.0` of a licence text is `GPL-2.0-only` or `-or-later` of an expression."""
    plain = licence.lower().removesuffix("-only")
    return any(form in mentioned for form in (plain, f"{plain}-only", f"{plain}-or-later", f"{plain}+"))


@lru_cache(maxsize=1024)
def identified(text: str) -> str:
    """The SPDX id of a licence text; empty where it is none that is known."""
    from identify.identify import license_id

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "LICENSE"
        path.write_text(text, encoding="utf-8")
        found: str | None = license_id(str(path))
    if found:
        return found
    heading = " ".join(text[:HEADING_CHARACTERS].lower().split())
    headings: dict[str, str] = _table()["headings"]
    return next((licence for words, licence in headings.items() if words in heading), "")


@cache
def _table() -> dict[str, Any]:
    text = (resources.files(__package__) / "licences.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    return table
