"""HumanEval-infilling: what was cut out of a HumanEval solution, judged by the problem's tests (pass@1).

The program is prompt + completion + suffix, as the set defines it. Where the hole is whole lines an editor would have
an empty line: serving is asked there, and the line end that the editor has anyway is not asked of it.
"""

from __future__ import annotations

from midfill_context.cursor import Cursor
from midfill_training.evaluation.cases import Case, Row
from midfill_training.evaluation.sandbox import passes
from midfill_training.evaluation.suite import Scores, Suite

WHOLE_LINES = ("SingleLine", "MultiLine")
PASS = "pass@1"


def case_of(row: Row) -> Case:
    """A task is called `SingleLineInfilling/HumanEval/0/L3`."""
    kind, _, problem = row["task_id"].partition("/")
    return Case(
        id=row["task_id"],
        group=kind.removesuffix("Light").removesuffix("Infilling"),
        cluster=problem.rpartition("/")[0],
        cursor=Cursor("main.py", "python", row["prompt"], row["suffix"]),
        reference=row["canonical_solution"],
        is_whole_lines=kind.startswith(WHOLE_LINES),
        details={"test": f"{row['test']}\ncheck({row['entry_point']})\n"},
    )


def judge(case: Case, answer: str) -> Scores:
    """Whether the tests of the problem pass."""
    return {PASS: float(passes(f"{case.cursor.prefix}{answer}{case.cursor.suffix}\n{case.details['test']}"))}


SUITE = Suite(
    name="humaneval-infilling",
    fields=("task_id", "entry_point", "prompt", "suffix", "canonical_solution", "test"),
    max_tokens=192,
    metrics=(PASS,),
    case_of=case_of,
    judge=judge,
)
