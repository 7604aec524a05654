"""What a `WorkspaceIndex` and its process say to each other: pickles over the process's stdin and stdout."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from midfill_context.index.reading import Row


@dataclass(frozen=True)
class Start:
    """First message to the process. `store` is where the index is saved, if anywhere; `avoid` are not to be read."""

    root: Path
    store: Path | None
    is_watched: bool
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Changed:
    """Files or folders on the disk that came, changed or vanished."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """From now on the text of a file is this, whatever the disk says."""

    path: str
    text: str


@dataclass(frozen=True)
class Edit:
    """`text[start:end]` of an open file, in characters, is replaced."""

    path: str
    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Close:
    """The disk counts again."""

    path: str


@dataclass(frozen=True)
class Sync:
    """Asks for a `Synced` when everything said so far has been worked in."""

    number: int


@dataclass(frozen=True)
class Scanned:
    """All files of the workspace, whether read already or not, and what was left out."""

    paths: frozenset[str]
    skipped: Mapping[str, str]
    n_no_code: int


@dataclass(frozen=True)
class Reading:
    """The file that is now read: what is to blame, should the process die."""

    path: str


@dataclass(frozen=True)
class Update:
    """Rows that are new or have changed, files that are gone, and files that turned out not to be wanted, with why."""

    rows: tuple[Row, ...] = ()
    gone: tuple[str, ...] = ()
    skipped: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Synced:
    number: int


@dataclass(frozen=True)
class Warn:
    """Something the user should know, said once."""

    message: str


ToProcess = Start | Changed | Open | Edit | Close | Sync
FromProcess = Scanned | Reading | Update | Synced | Warn


def send(stream: IO[bytes], message: ToProcess | FromProcess) -> None:
    """Write one message; OSError when the other side is gone."""
    stream.write(pickle.dumps(message, protocol=5))
    stream.flush()


def receive(stream: IO[bytes]) -> ToProcess | FromProcess:
    """Read one message; EOFError when the other side is gone."""
    try:
        message: ToProcess | FromProcess = pickle.load(stream)
    except (pickle.UnpicklingError, OSError, ValueError) as error:  # killed in the middle of a message
        raise EOFError from error
    return message
