"""Pulls of a model `tiny`, each in a process of its own: huggingface_hub reads its settings at import."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tiny_gguf import write_tiny_gguf

# Prints the path, or the error's class and message; argv: a catalogue and whether its licence is accepted.
CHILD = """
import json, sys
from midfill_model.files.catalogue import parse_catalogue
from midfill_model.errors import ModelError
from midfill_model.files.pull import pull
table, accepts = json.loads(sys.argv[1])
(entry,) = parse_catalogue(table).values()
try:
    print(pull(entry, lambda licence: accepts, lambda *bytes: print(*bytes, file=sys.stderr, flush=True)))
except ModelError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def write_content(folder: Path) -> bytes:
    """A sound GGUF with a tail of 25 MiB, which huggingface_hub hands on in three pieces."""
    return write_tiny_gguf(folder / "content.gguf").read_bytes() + random.Random(0).randbytes(25 * 2**20)


def write_wheel(folder: Path, package: str, version: str, files: Mapping[str, bytes]) -> None:
    """A wheel with these files, by their paths in it."""
    name = package.replace("-", "_")
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def table(
    source: Mapping[str, str], size_bytes: int, sha256: str | None = None, needs_acceptance: bool = False
) -> dict[str, Any]:
    """A catalogue with one model, `tiny`."""
    licence = {"name": "L", "summary": "", "url": "", "needs_acceptance": needs_acceptance}
    model = {"title": "", "size_bytes": size_bytes, "licence": "l", "format": "prefix-only", "memory_mib": 1}
    if sha256:
        model["sha256"] = sha256
    return {"licences": {"l": licence}, "models": {"tiny": {**model, "source": source}}}


def command(catalogue: Mapping[str, Any], accepts: bool = True) -> list[str]:
    """The command line of a process that pulls."""
    return [sys.executable, "-c", CHILD, json.dumps([catalogue, accepts])]


def pulled(
    catalogue: Mapping[str, Any], environment: Mapping[str, str], accepts: bool = True
) -> subprocess.CompletedProcess[str]:
    """A pull that has ended; `environment` is added to this process's."""
    return subprocess.run(
        command(catalogue, accepts),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
