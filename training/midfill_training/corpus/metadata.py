"""What a project says of itself: name, version and licence, in the metadata files of several ecosystems."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email.parser import HeaderParser
from typing import Any

from midfill_training.corpus import licences

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

_PACKAGE_INFO = re.compile(r"[^/]+\.(dist-info|egg-info)")


@dataclass(frozen=True)
class Metadata:
    """`name` and `version` are those of a published package and empty elsewhere; `licence` is an SPDX expression."""

    name: str = ""
    version: str = ""
    licence: str = ""

    @property
    def label(self) -> str:
        """Name and version, as archives are named."""
        return f"{self.name}-{self.version}" if self.name and self.version else self.name


def is_metadata(name: str) -> bool:
    """Whether a file of this name may say something of its project."""
    return name in _READERS


def read_metadata(texts: Mapping[str, str]) -> Metadata:
    """The metadata of a project from the files at its root, the best source of each fact first. `texts` is by path."""
    found = [each for name, read in _READERS.items() for each in _read_all(texts, name, read)]
    package = next((each for each in found if each.name), Metadata())
    return replace(package, licence=next((each.licence for each in found if each.licence), ""))


def _read_all(texts: Mapping[str, str], name: str, read: Callable[[str], Metadata]) -> Iterator[Metadata]:
    for path, text in sorted(texts.items()):
        folder, _, file = path.rpartition("/")
        if file == name and (not folder or _PACKAGE_INFO.fullmatch(folder)):
            with suppress(ValueError, TypeError, AttributeError, RecursionError):  # damaged: as if it were not there
                yield read(text)


def _python_package(text: str) -> Metadata:
    headers = HeaderParser().parsestr(text)
    licence = str(headers.get("License-Expression") or "")
    if not licence:
        licence = licences.of_classifiers([str(each) for each in headers.get_all("Classifier") or ()])
    if not licence and (field := str(headers.get("License") or "")).upper() != "UNKNOWN":
        licence = licences.expression_of(field)
    return Metadata(str(headers.get("Name") or ""), str(headers.get("Version") or ""), licence)


def _npm_package(text: str) -> Metadata:
    package = json.loads(text)
    stated = package.get("license") or package.get("licenses") or ""
    choices = [_licence_of(each) for each in (stated if isinstance(stated, list) else [stated])]
    return Metadata(
        str(package.get("name") or ""),
        str(package.get("version") or ""),
        " OR ".join(each for each in choices if each),  # npm's old list of licences is a choice
    )


def _licence_of(stated: Any) -> str:
    name = stated.get("type") if isinstance(stated, dict) else stated
    return licences.expression_of(str(name or ""))


def _pyproject(text: str) -> Metadata:
    project = tomllib.loads(text).get("project", {})
    stated = project.get("license") or ""
    licence = licences.expression_of(stated if isinstance(stated, str) else str(stated.get("text") or ""))
    return Metadata(licence=licence or licences.of_classifiers(project.get("classifiers") or ()))


def _crate(text: str) -> Metadata:
    package = tomllib.loads(text).get("package", {})
    name, version, licence = (package.get(key) or "" for key in ("name", "version", "license"))
    return Metadata(*(each if isinstance(each, str) else "" for each in (name, version, licence)))


def _composer(text: str) -> Metadata:
    stated = json.loads(text).get("license") or ""
    choices = stated if isinstance(stated, list) else [stated]  # by composer's rules, a choice
    return Metadata(licence=" OR ".join(licences.expression_of(str(each)) for each in choices if each))


def _maven(text: str) -> Metadata:
    """Only its licences: a project's own coordinates may be its parent's, and several licences are a choice."""
    names = re.findall(r"<license>\s*<name>\s*([^<]{1,200}?)\s*</name>", text)
    return Metadata(licence=" OR ".join(licences.expression_of(name) for name in names))


_READERS: Mapping[str, Callable[[str], Metadata]] = {
    "METADATA": _python_package,
    "PKG-INFO": _python_package,
    "package.json": _npm_package,
    "pyproject.toml": _pyproject,
    "Cargo.toml": _crate,
    "composer.json": _composer,
    "pom.xml": _maven,
}
