"""From document to cursor, and from completion to suggestion."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from midfill_lsp.documents import Document
from midfill_lsp.suggestion import cursor_at, suggestion_from
from midfill_model.engine import Completion, StopReason


def document(text: str) -> Document:
    return Document.from_text("file:///project/pkg/a.py", "python", 1, text)


def test_the_cursor_has_newlines_only_and_a_path_inside_the_workspace() -> None:
    cursor = cursor_at(document("é\r\nb\rc\nd"), 5, [PurePosixPath("/project")])
    assert (cursor.path, cursor.language) == ("pkg/a.py", "python")
    assert (cursor.prefix, cursor.suffix) == ("é\nb\n", "c\nd")


@pytest.mark.parametrize(
    ("completion", "stop_reason", "shown"),
    [
        pytest.param("return a", StopReason.LINE, "return a", id="as it is"),
        pytest.param("a\nb", StopReason.END_OF_TEXT, "a\nb", id="line ends are left to the editor"),
        pytest.param("  \n\t", StopReason.END_OF_TEXT, None, id="white space only"),
        pytest.param("", StopReason.LINE, None, id="nothing"),
        pytest.param("a\nb\nret", StopReason.DEADLINE, "a\nb", id="complete lines before the deadline"),
        pytest.param("ret", StopReason.DEADLINE, None, id="no complete line before the deadline"),
        pytest.param("\nret", StopReason.DEADLINE, None, id="a blank line before the deadline"),
        pytest.param("a\nb", StopReason.MAX_TOKENS, "a", id="complete lines of one as long as allowed"),
        pytest.param("a", StopReason.CANCELLED, None, id="cancelled"),
        pytest.param("a", StopReason.SUPERSEDED, None, id="superseded"),
    ],
)
def test_suggestion(completion: str, stop_reason: StopReason, shown: str | None) -> None:
    suggestion = suggestion_from(Completion(completion, stop_reason))
    assert (suggestion.text if suggestion else None) == shown
