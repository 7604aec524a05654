"""The manifest of a stage: what went in, with which settings, what came out. `manifest.json` in its folder."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from midfill_training.errors import BadInput
from midfill_training.output import replacing

FILE_NAME = "manifest.json"
BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Manifest:
    """`inputs` and `outputs` map names to sha256; `settings` decide whether an output can be kept when run again."""

    stage: str
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    counts: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    finished: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, stage: str, inputs: Mapping[str, str], settings: Mapping[str, Any]) -> bool:
        """Whether running `stage` again with these would give the same."""
        return (self.stage, dict(self.inputs), _plain(self.settings)) == (stage, dict(inputs), _plain(settings))


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `manifest.json` into the folder of a stage, as its last file: who finds it finds the rest. Adds the time
    and the versions of what made it."""
    path = folder / FILE_NAME
    record = asdict(manifest) | {
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | _versions(),
    }
    with replacing(path) as draft:
        draft.write_text(json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished stage; None where there is none. BadInput when it is damaged."""
    path = folder / FILE_NAME
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{path}: is no manifest ({error}); remove it and run the stage again") from error


def sha256(path: Path) -> str:
    """Of a file; of a folder, over the paths and contents of all its files."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def _plain(settings: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(settings, sort_keys=True, default=str))


def _versions() -> dict[str, str]:
    """Of what shapes an output, where it is installed."""
    names = {"midfill", "datatrove", "numpy", "tokenizers", "torch", "transformers", "tree-sitter"}
    found = ((each.name, each.version) for each in metadata.distributions())
    return {name: version for name, version in sorted(found) if name in names}
