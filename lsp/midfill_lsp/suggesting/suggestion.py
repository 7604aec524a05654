"""From a place in a document to the engine's cursor, and from its completion to what the user is shown.

Pure, and free of LSP types: the command line takes the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from midfill_context.cursor import Cursor
from midfill_context.languages import language
from midfill_lsp.documents import Document
from midfill_lsp.workspace import relative_path
from midfill_model.engine import Completion, StopReason

_NEVER_SHOWN = frozenset({StopReason.CANCELLED, StopReason.SUPERSEDED, StopReason.LOADING, StopReason.ENGINE_FAILED})
# With more time, a completion could have been longer, and have had a valid piece.
_MAY_DIFFER = _NEVER_SHOWN | {StopReason.DEADLINE, StopReason.NO_VALID_CUT}


@dataclass(frozen=True)
class Suggestion:
    """A completion as shown: text to insert at the cursor, in place of `n_replaced` characters behind it.

    These stand in the cursor's line. The text's line ends are `\\n` whatever the document's are: an editor knows its
    own, and Neovim 0.12 takes a line for what stands between them and would insert a `\\r` as a character.
    """

    text: str
    stop_reason: StopReason
    n_replaced: int = 0


@dataclass(frozen=True)
class Selected:
    """What the editor's own menu offers at a place: this text in place of what is between two offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Place:
    """An offset in one version of a document, as they were when the request came in.

    `is_invoked` says that the user asked for suggestions, instead of typing on. Where something is `selected`, they go
    on behind it, as if it had been typed.
    """

    document: Document
    offset: int
    folders: Sequence[PurePath]
    is_invoked: bool = False
    selected: Selected | None = None

    @property
    def replaced(self) -> Selected:
        """What suggestions begin with, and what that replaces: nothing, unless something is selected."""
        return self.selected or Selected(self.offset, self.offset, "")

    def cursor(self) -> Cursor:
        """Where suggestions go on."""
        cursor = cursor_at(self.document, self.offset, self.folders)
        if self.selected is None:
            return cursor
        prefix = with_newlines(self.document.text[: self.selected.start] + self.selected.text)
        return replace(cursor, prefix=prefix, suffix=with_newlines(self.document.text[self.selected.end :]))


def cursor_at(document: Document, offset: int, folders: Iterable[PurePath] = ()) -> Cursor:
    """The cursor at an offset (code points) of a document; `folders` are the workspace's."""
    known = language(document.language_id)
    return Cursor(
        path=relative_path(document.uri, folders),
        language=known.id if known else document.language_id,
        prefix=with_newlines(document.text[:offset]),
        suffix=with_newlines(document.text[offset:]),
    )


def suggestion_from(completion: Completion) -> Suggestion | None:
    """What the user is shown of a completion, or `None` when that is nothing."""
    if completion.stop_reason in _NEVER_SHOWN or not completion.text.strip():
        return None
    return Suggestion(completion.text, completion.stop_reason, completion.n_replaced)


def is_final(completion: Completion) -> bool:
    """Whether the engine did with the request what it could in its time."""
    return completion.stop_reason not in _NEVER_SHOWN


def is_lasting(completion: Completion) -> bool:
    """Whether asking again at the same place would give the same, as far as anybody can tell."""
    return completion.stop_reason not in _MAY_DIFFER or suggestion_from(completion) is not None


def with_newlines(text: str) -> str:
    """The text as cursors have it: every line end a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
