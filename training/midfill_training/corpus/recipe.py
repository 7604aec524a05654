"""Recipes: pinned packages of public registries that a corpus is made from, fetched by each registry's own client.

A recipe is a TOML file of packages:

    [[package]]
    registry = "pypi"        # a wheel; "pypi-sdist", "npm", or "debian" for a source package's upstream archives
    name = "networkx"
    version = "3.6.1"        # of a Debian package, its upstream part
    licence = "BSD-3-Clause" # for people; the corpus stage reads the archive itself
    sha256 = "..."           # of the archive; of the first by name where there are several

Archives are never unpacked or run here. Only `pypi-sdist` lets pip run a package's build backend, for its metadata.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midfill_model.files.store import place
from midfill_training.errors import BadInput, OutputError
from midfill_training.output import replacing
from midfill_training.report.manifest import sha256
from midfill_training.settings import read_settings

# One fixed platform, so that a recipe means the same wheel on every machine.
_PLATFORM = (
    *("--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_27_x86_64"),
    *("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"),
)
_APT_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_APT_FOLDER = ".apt"
_MAX_SECONDS = 1200  # for one package; some sdists build for minutes


@dataclass(frozen=True)
class Package:
    """One pinned package."""

    registry: str
    name: str
    version: str
    licence: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class _Recipe:
    package: tuple[Package, ...] = ()


def read_recipe(path: Path) -> tuple[Package, ...]:
    """The packages of a recipe. Raises BadInput."""
    packages = read_settings(path, "", _Recipe).package
    if not packages:
        raise BadInput(f"{path}: names no [[package]]")
    for package in packages:
        if package.registry not in _CLIENTS:
            raise BadInput(f"{path}: {package.name} is of {package.registry!r}; there are {', '.join(_CLIENTS)}")
        if package.name.startswith("-") or package.version.startswith("-"):  # would be read as an option
            raise BadInput(f"{path}: {package.name!r} {package.version!r} names no package")
    return packages


def fetch(packages: Sequence[Package], folder: Path) -> Iterator[tuple[Package, list[Path]]]:
    """Fetch each package and yield its archives; those that are there and right cost no network.

    The archives lie in the folder side by side, as the corpus stage takes them. Raises BadInput when a client fails or
    a hash differs, OutputError when the folder cannot be written; what was fetched before stays.
    """
    folder = folder.absolute()  # the clients run in folders of their own
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    for leftover in folder.glob(".fetch-*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    for package in packages:
        archives = _recorded(package, folder)
        if not archives or not _is_right(package, archives):
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as draft:
                archives = _fetch_one(package, Path(draft), folder)
        yield package, archives


def _fetch_one(package: Package, draft: Path, folder: Path) -> list[Path]:
    _CLIENTS[package.registry](package, draft)
    archives = sorted(draft.iterdir())
    if not archives:
        raise BadInput(f"{package}: {package.registry} has no archive of it")
    if not _is_right(package, archives):
        raise BadInput(
            f"{package}: its archive is not the one the recipe means (SHA-256 "
            f"{sha256(archives[0])} instead of {package.sha256}); pin the new one if you trust it"
        )
    for archive in archives:
        place(archive, folder / archive.name)
    with replacing(_record(package, folder)) as record:
        record.write_text("\n".join(archive.name for archive in archives), encoding="utf-8")
    return [folder / archive.name for archive in archives]


def _record(package: Package, folder: Path) -> Path:
    """Where the names of a package's archives are kept, hidden from whoever looks for archives."""
    return folder / re.sub(r"[^\w.+-]+", "-", f".{package.registry}-{package.name}-{package.version}")


def _recorded(package: Package, folder: Path) -> list[Path]:
    record = _record(package, folder)
    names = record.read_text(encoding="utf-8").split("\n") if record.is_file() else []
    return [folder / name for name in names]


def _is_right(package: Package, archives: Sequence[Path]) -> bool:
    is_there = all(archive.is_file() for archive in archives)
    return is_there and package.sha256 in ("", sha256(archives[0]))


def _fetch_wheel(package: Package, folder: Path) -> None:
    _pip(package, folder, *_PLATFORM)


def _fetch_sdist(package: Package, folder: Path) -> None:
    _pip(package, folder, f"--no-binary={package.name}")


def _pip(package: Package, folder: Path, *options: str) -> None:
    quiet = ("--no-deps", "--no-input", "--disable-pip-version-check", "--quiet")
    command = (sys.executable, "-m", "pip", "download", *quiet, *options, "--dest", str(folder))
    _run(str(package), folder, *command, f"{package.name}=={package.version}")


def _fetch_npm(package: Package, folder: Path) -> None:
    options = ("--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder))
    _run(str(package), folder, "npm", "pack", *options, f"{package.name}@{package.version}")


def _fetch_debian(package: Package, folder: Path) -> None:
    options = _apt_options(folder.parent / _APT_FOLDER)
    # The packaging's own archive is sometimes gone from the mirrors; upstream's is what counts, and it is checked.
    failure = _failure(package.name, folder, "apt-get", *options, "source", "--download-only", package.name)
    upstream = [file for file in folder.iterdir() if f"_{package.version}.orig" in file.name and file.suffix != ".asc"]
    if not upstream:
        raise BadInput(failure or f"{package}: Debian has another version now; pin that one")
    for file in set(folder.iterdir()).difference(upstream):
        file.unlink()


@cache
def _apt_options(state: Path) -> list[str]:
    """Options for lists of source packages beside the system's own, which stay as they are; updated once a run."""
    sources = state / "sources" / "source.sources"
    for part in (sources.parent, state / "state/lists/partial", state / "cache/archives/partial"):
        part.mkdir(parents=True, exist_ok=True)
    try:
        text = _APT_SOURCES.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"Debian packages are fetched on Debian only ({error})") from error
    sources.write_text(text.replace("Types: deb\n", "Types: deb-src\n"), encoding="utf-8")
    places = {"Etc::SourceParts": sources.parent, "Etc::SourceList": "/dev/null", "State": state / "state"}
    options = ["-qq", "-oAPT::Sandbox::User=root", f"-oDir::Cache={state / 'cache'}"]
    options += [f"-oDir::{name}={place}" for name, place in places.items()]
    _run("Debian's lists of source packages", state, "apt-get", *options, "update")
    return options


def _run(what: str, folder: Path, *command: str) -> None:
    failure = _failure(what, folder, *command)
    if failure:
        raise BadInput(failure)


def _failure(what: str, folder: Path, *command: str) -> str:
    """Run a client in a folder; what went wrong, in words, or nothing."""
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=_MAX_SECONDS,
        )  # fmt: skip
    except FileNotFoundError:
        return f"{what}: {command[0]} fetches it and is not installed"
    except subprocess.TimeoutExpired:
        return f"{what}: {command[0]} took longer than {_MAX_SECONDS:,} s; try again"
    if not done.returncode:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.match("npm error|error|e:", line, re.IGNORECASE)] or lines
    return (
        f"{what}: {Path(command[0]).name} could not fetch it: {(errors or ['it gave no reason'])[0]}; "
        "check the name, the network connection and the client's index settings, then run it again"
    )


_CLIENTS: dict[str, Callable[[Package, Path], None]] = {
    "pypi": _fetch_wheel,
    "pypi-sdist": _fetch_sdist,
    "npm": _fetch_npm,
    "debian": _fetch_debian,
}
