"""The plain data that flows from a workspace into a prompt.

These types are all that `midfill_model` may import from this package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cursor:
    """A place in a file: the text before it and the text after it.

    `path` is relative to the workspace, with `/`; empty when the document has no file. `language` is an id of
    `languages.toml`, or empty. `prefix + suffix` is the whole file, with `\\n` as the only line end.
    """

    path: str
    language: str
    prefix: str
    suffix: str


@dataclass(frozen=True)
class Chunk:
    """A stored piece of a file; lines count from 1, both ends included."""

    path: str
    first_line: int
    last_line: int
    text: str


@dataclass(frozen=True)
class Snippet:
    """A chunk chosen for one prompt; `why` says in words what made it bear on the cursor."""

    chunk: Chunk
    score: float
    why: str
