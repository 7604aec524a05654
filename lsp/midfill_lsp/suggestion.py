"""From a place in a document to the engine's cursor, and from its completion to what the user is shown.

Pure, and free of LSP types: the command line takes the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from midfill_context.cursor import Cursor
from midfill_context.languages import language
from midfill_lsp.documents import Document
from midfill_lsp.workspace import relative_path
from midfill_model.engine import Completion, StopReason

_NEVER_SHOWN = frozenset({StopReason.CANCELLED, StopReason.SUPERSEDED, StopReason.LOADING, StopReason.ENGINE_FAILED})

_CUT_SHORT = frozenset({StopReason.DEADLINE, StopReason.MAX_TOKENS})


@dataclass(frozen=True)
class Suggestion:
    """A completion as shown: text to insert at the cursor.

    Its line ends are `\\n` whatever the document's are: an editor knows its own, and Neovim 0.12 takes a
    line for what stands between them and would insert a `\\r` as a character.
    """

    text: str
    stop_reason: StopReason


def cursor_at(document: Document, offset: int, folders: Iterable[PurePath] = ()) -> Cursor:
    """The cursor at an offset (code points) of a document; `folders` are the workspace's."""
    known = language(document.language_id)
    return Cursor(
        path=relative_path(document.uri, folders),
        language=known.id if known else document.language_id,
        prefix=_with_newlines(document.text[:offset]),
        suffix=_with_newlines(document.text[offset:]),
    )


def suggestion_from(completion: Completion) -> Suggestion | None:
    """What the user is shown of a completion, or `None` when that is nothing.

    A completion that was cut short is shown as far as its lines are complete: half a line breaks the file.
    """
    if completion.stop_reason in _NEVER_SHOWN:
        return None
    text = completion.text
    if completion.stop_reason in _CUT_SHORT:
        text = text[: max(text.rfind("\n"), 0)]
    if not text.strip():
        return None
    return Suggestion(text, completion.stop_reason)


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
