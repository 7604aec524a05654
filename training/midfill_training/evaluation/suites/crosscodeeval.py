"""CrossCodeEval: the rest of a statement that needs other files of the repository.

Two protocols that must not be mixed: prefix only, as published, and with the text after the hole; each without and
with the chunks that the set's own retrieval found (a set without them is run without). Answers are cut to one
statement and compared without comments, as the set's scorer does it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_context.languages import language_of
from midfill_training.evaluation.cases import Case, Row
from midfill_training.evaluation.metrics.code_text import has_error, identifiers
from midfill_training.evaluation.suite import Scores, Suite

EXACT, SIMILARITY, IDENTIFIERS, IDENTIFIER_F1 = "EM", "ES", "identifier EM", "identifier F1"

_COMMENT = re.compile(r"#.*|//.*")
_STATEMENT_END = re.compile(r"[;{}]")


def case_of(row: Row) -> Case:
    """Chunks are in `crossfile_context.list`, where the file has them."""
    about = row["metadata"]
    language = language_of(about["file"])
    if language is None:
        raise ValueError(f"{about['file']} is of no known language")
    chunks = row["crossfile_context"]["list"] if "crossfile_context" in row else ()
    return Case(
        id=about["task_id"],
        group=language.id,
        cluster=about["repository"],
        cursor=Cursor(about["file"], language.id, row["prompt"], row["right_context"]),
        reference=row["groundtruth"],
        snippets=tuple(_snippet(chunk) for chunk in chunks),
    )


def _snippet(chunk: Row) -> Snippet:
    text = chunk["retrieved_chunk"]
    return Snippet(Chunk(chunk["filename"], 1, text.count("\n") + 1, text), float(chunk["score"]), "retrieved")


def judge(case: Case, answer: str) -> Scores:
    """EM on lines, ES on characters, and both on identifiers."""
    from rapidfuzz import fuzz

    language = case.cursor.language
    written, target = (
        _COMMENT.sub("", text) for text in (statement(language, case.cursor.prefix, answer), case.reference)
    )
    found, wanted = identifiers(language, written), identifiers(language, target)
    return {
        EXACT: float(_lines(written) == _lines(target)),
        SIMILARITY: fuzz.ratio(written.strip(), target.strip()) / 100,
        IDENTIFIERS: float(found == wanted),
        IDENTIFIER_F1: _f1(found, wanted),
    }


def statement(language: str, prompt: str, answer: str) -> str:
    """The answer up to the end of its first statement, or all of it where none ends.

    Python: the first line end up to which the file parses. Others: through the first of `;`, `{` and `}`; one that
    begins the answer ends nothing in the set's scorer.
    """
    if language != "python":
        end = _STATEMENT_END.search(answer)
        return answer[: end.end()] if end and end.start() else answer
    for line_end in re.finditer("\n", answer):
        if line_end.start() and not has_error(language, prompt + answer[: line_end.start()]):
            return answer[: line_end.start()].rstrip()
    return answer


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    """Of the two as sets; 0 where both are empty, as in the set's scorer."""
    n_both = len({*found} & {*wanted})
    return 2 * n_both / (len({*found}) + len({*wanted})) if n_both else 0.0


SUITE = Suite(
    name="crosscodeeval",
    fields=("prompt", "groundtruth", "right_context", "metadata"),
    max_tokens=64,
    metrics=(EXACT, SIMILARITY, IDENTIFIERS, IDENTIFIER_F1),
    case_of=case_of,
    judge=judge,
    asks_without_suffix=True,
)
