"""FIM-Eval: 13 kinds of holes in files of real projects (PAPER.md section 5); rows as `cut-fim-eval` writes them.

Answers and references are compared stripped, as the paper's harness does. Its prompts had no path; `path` is used
where a row has one.
"""

from __future__ import annotations

from midfill_context.cursor import Cursor
from midfill_context.languages import language
from midfill_training.evaluation.cases import Case, Row
from midfill_training.evaluation.metrics.bleu import bleu4
from midfill_training.evaluation.metrics.code_bleu import code_bleu
from midfill_training.evaluation.suite import Scores, Suite

EXACT, BLEU, CODE_BLEU = "EM", "BLEU-4", "CodeBLEU"


def case_of(row: Row) -> Case:
    """Places of one file are one cluster."""
    known = language(row["language"])
    if known is None:
        raise ValueError(f"there is no language {row['language']!r}")
    path = row.get("path") or f"test{known.extensions[0]}"
    return Case(
        id=row["task_id"],
        group=f"{known.id}, {row['task_type']}",
        cluster=path if row.get("path") else row["task_id"],
        cursor=Cursor(path, known.id, row["pre_mask_code"], row["post_mask_code"]),
        reference=row["canonical_solution"],
    )


def judge(case: Case, answer: str) -> Scores:
    """EM, BLEU-4 and CodeBLEU."""
    written, reference = answer.strip(), case.reference.strip()
    return {
        EXACT: float(written == reference),
        BLEU: bleu4(written, reference),
        CODE_BLEU: code_bleu(case.cursor.language, written, reference).score,
    }


SUITE = Suite(
    name="fim-eval",
    fields=("task_id", "task_type", "pre_mask_code", "post_mask_code", "canonical_solution", "language"),
    max_tokens=512,
    metrics=(EXACT, BLEU, CODE_BLEU),
    case_of=case_of,
    judge=judge,
)
