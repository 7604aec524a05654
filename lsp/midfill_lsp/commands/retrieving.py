"""Snippets for one place in a workspace on disk, for commands that end when they have them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_context.cursor import Cursor
    from midfill_context.retrieval.retriever import Retrieved

SETTLE_S = 60.0
TIME_LIMIT_MS = 5000.0  # nobody types meanwhile


def retrieve(cursor: Cursor, workspace: Path, count_tokens: Callable[[str], int] | None = None) -> Retrieved:
    """The snippets for a cursor, out of the workspace's saved index, which is brought up to date and saved again.

    Asked for twice: the time is that of a server in which grammars and texts are there already.
    """
    from midfill_context.index.workspace import WorkspaceIndex
    from midfill_context.retrieval.retriever import RetrievalSettings, Retriever, estimated_tokens
    from midfill_lsp.settings import Settings

    index = WorkspaceIndex(workspace, _warn, is_watched=False)
    try:
        if not index.settle(SETTLE_S):
            _warn(f"{workspace} takes more than {SETTLE_S:.0f} s to index; going on with what is known until now")
        retriever = Retriever(index, RetrievalSettings(Settings().max_snippet_tokens, TIME_LIMIT_MS))
        while retriever.refresh():
            pass
        retriever.snippets(cursor, count_tokens or estimated_tokens)
        return retriever.snippets(cursor, count_tokens or estimated_tokens)
    finally:
        index.stop(timeout_s=10)


def _warn(message: str) -> None:
    print(f"midfill: {message}", file=sys.stderr)
