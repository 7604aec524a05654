"""The models midfill knows by name (`catalogue.toml`), and which file a name or path stands for.

Looks only at the disk: a model that is not here is an error that says how to get it.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from midfill_model.errors import ModelUnavailable, UnknownModel
from midfill_model.files import store

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


DEFAULT_MODEL = "smollm2-135m"


@dataclass(frozen=True)
class PypiSource:
    """A file inside a wheel on the Python package index; `member` is its path in the wheel."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"Python package {self.package} {self.version}"


@dataclass(frozen=True)
class HubSource:
    """A file of a repository on a model hub."""

    repo: str
    file: str
    revision: str

    def __str__(self) -> str:
        return f"hub repository {self.repo}, {self.file}"


@dataclass(frozen=True)
class Licence:
    """What one may do with the weights; the whole text is at `url`."""

    name: str
    summary: str
    url: str
    needs_acceptance: bool = False


@dataclass(frozen=True)
class CatalogueEntry:
    """One model. `size_bytes` is exact if `sha256` is given and rounded if it is `None`.

    Of completions with a mean log-probability below `min_logprob` nearly none is right; `None`: not measured.
    """

    name: str
    title: str
    source: PypiSource | HubSource
    size_bytes: int
    sha256: str | None
    licence: Licence
    format: str
    memory_mib: int
    min_logprob: float | None = None

    def __str__(self) -> str:
        size = size_text(self.size_bytes)
        return f"{self.name}: {size} from {self.source}, licence {self.licence.name}"


@dataclass(frozen=True)
class InstalledModel:
    """A model file that is there; `entry` is `None` for one that the catalogue does not know."""

    name: str
    path: Path
    entry: CatalogueEntry | None


@dataclass(frozen=True)
class ListedModel:
    """A model that is here or can be pulled. `size_bytes` is that of the file where it is installed."""

    name: str
    title: str
    path: Path
    is_installed: bool
    size_bytes: int
    entry: CatalogueEntry | None


@cache
def catalogue() -> Mapping[str, CatalogueEntry]:
    """All entries by name, in the order of the file."""
    text = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(tomllib.loads(text))


def parse_catalogue(table: Mapping[str, Any]) -> Mapping[str, CatalogueEntry]:
    """The entries of a catalogue table; raises KeyError, TypeError or ValueError where it is wrong."""
    licences = {name: Licence(**fields) for name, fields in table["licences"].items()}
    return {name: _entry(name, fields, licences) for name, fields in table["models"].items()}


def listed_models() -> list[ListedModel]:
    """All models of the catalogue, then those in the models folder that it does not know."""
    names = [*catalogue(), *(name for name in store.stored_names() if name not in catalogue())]
    return [listed_model(name, store.stored_path(name)) for name in names]


def listed_model(name: str, path: Path) -> ListedModel:
    """The model of this name, whose file is at `path` or would be."""
    entry = catalogue().get(name)
    is_installed = path.is_file()
    size_bytes = path.stat().st_size if is_installed else entry.size_bytes if entry else 0
    return ListedModel(name, entry.title if entry else "added by the user", path, is_installed, size_bytes, entry)


def find_model(name_or_path: str | Path) -> InstalledModel:
    """The model file that a catalogue name, the name of a stored file, or a path stands for.

    Raises UnknownModel with the nearest name, and ModelUnavailable with the command to run for a known model
    that is not installed.
    """
    name = str(name_or_path)
    entry = catalogue().get(name)
    if entry is not None or name in store.stored_names():
        path = store.stored_path(name)
        if not path.is_file():
            raise ModelUnavailable(f"model {name} is not installed; run `midfill model pull {name}`")
        return InstalledModel(name, path, entry)
    path = Path(name).expanduser()
    if path.is_file():
        return InstalledModel(path.stem, path.absolute(), None)
    if path.name != name or path.suffix == store.SUFFIX:
        raise UnknownModel(f"{name}: no such model file; `midfill model list` shows the models there are")
    raise UnknownModel(f"no model is called {name!r}{_nearest(name)}; `midfill model list` shows all")


def find_entry(name: str) -> CatalogueEntry:
    """The catalogue's entry; raises UnknownModel with the nearest name."""
    entry = catalogue().get(name)
    if entry is None:
        raise UnknownModel(f"the catalogue has no model {name!r}{_nearest(name)}; `midfill model list` shows all")
    return entry


def size_text(n_bytes: int) -> str:
    """The size of a model file as people read it."""
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def _nearest(name: str) -> str:
    names = [*catalogue(), *store.stored_names()]
    found = difflib.get_close_matches(name.lower(), names, n=1) or [n for n in names if n.startswith(name.lower())]
    return f", did you mean {found[0]!r}?" if name and found else ""


def _entry(name: str, fields: Mapping[str, Any], licences: Mapping[str, Licence]) -> CatalogueEntry:
    return CatalogueEntry(
        **{
            "sha256": None,
            **fields,
            "name": name,
            "source": _source(**fields["source"]),
            "licence": licences[fields["licence"]],
        }
    )


def _source(kind: str, **fields: str) -> PypiSource | HubSource:
    if kind == "pypi":
        return PypiSource(**fields)
    if kind == "hub":
        return HubSource(**fields)
    raise ValueError(f"a model source of kind {kind!r}")
