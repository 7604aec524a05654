"""From document to cursor, and from completion to suggestion."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from midfill_lsp.documents import Document
from midfill_lsp.suggesting.explanation import Answer, explanation_of
from midfill_lsp.suggesting.suggestion import Suggestion, cursor_at, is_lasting, suggestion_from
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
        pytest.param("a\nb", StopReason.DEADLINE, "a\nb", id="what was whole at the deadline"),
        pytest.param("a", StopReason.CANCELLED, None, id="cancelled"),
        pytest.param("a", StopReason.SUPERSEDED, None, id="superseded"),
    ],
)
def test_suggestion(completion: str, stop_reason: StopReason, shown: str | None) -> None:
    suggestion = suggestion_from(Completion(completion, stop_reason))
    assert (suggestion.text if suggestion else None) == shown


def test_what_is_replaced_is_told() -> None:
    suggestion = suggestion_from(Completion("a)", StopReason.STRUCTURE, n_replaced=1))
    assert suggestion == Suggestion("a)", StopReason.STRUCTURE, 1)


@pytest.mark.parametrize(
    ("text", "stop_reason", "expected"),
    [
        ("a", StopReason.LINE, True),
        ("", StopReason.NOTHING_NEEDED, True),
        ("a", StopReason.DEADLINE, True),
        ("", StopReason.DEADLINE, False),
        ("", StopReason.NO_VALID_CUT, False),
        ("a", StopReason.CANCELLED, False),
        ("", StopReason.LOADING, False),
    ],
)
def test_what_would_come_out_the_same_again(text: str, stop_reason: StopReason, expected: bool) -> None:
    assert is_lasting(Completion(text, stop_reason)) is expected


@pytest.mark.parametrize("stop_reason", StopReason)
def test_every_outcome_has_words(stop_reason: StopReason) -> None:
    explained = explanation_of(Answer(completion=Completion("", stop_reason)), is_stale=False)
    assert explained.why.endswith("nothing was left to show")
