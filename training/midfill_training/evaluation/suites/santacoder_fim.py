"""SantaCoder-FIM: one line of a HumanEval solution in Python, Java or JavaScript.

The newlines around the line were stripped from most of the data. The cursor stands where an editor has it: on an empty
line. A third of the Java and JavaScript targets is a closing brace and nothing else; each protocol is scored without
them as well.
"""

from __future__ import annotations

from midfill_context.cursor import Cursor
from midfill_training.evaluation.cases import Case, Row
from midfill_training.evaluation.suite import Scores, Suite

LANGUAGES = {"py": ("python", "main.py"), "java": ("java", "Main.java"), "js": ("javascript", "main.js")}
STRICT, FIRST_LINE = "strict", "first line"
NO_BRACES = ", braces out"


def case_of(row: Row) -> Case:
    """The problem is the part of the name before the line number: `humaneval-HumanEval_0_has_close_elements.json`."""
    language, path = LANGUAGES[row["language"]]
    return Case(
        id=f"{row['language']}/{row['name']}",
        group=row["language"],
        cluster=row["name"].rpartition("-")[0],
        cursor=Cursor(path, language, row["prompt"].removesuffix("\n") + "\n", "\n" + row["suffix"]),
        reference=row["canonical_solution"],
    )


def judge(case: Case, answer: str) -> Scores:
    """Strict: all that was written is the line. First line: the first line with text in it is."""
    target = case.reference.strip()
    first_line = next((line.strip() for line in answer.splitlines() if line.strip()), "")
    scores = {STRICT: float(answer.strip() == target), FIRST_LINE: float(first_line == target)}
    if target != "}":
        scores |= {name + NO_BRACES: score for name, score in scores.items()}
    return scores


SUITE = Suite(
    name="santacoder-fim",
    fields=("name", "language", "prompt", "suffix", "canonical_solution"),
    max_tokens=96,
    metrics=(FIRST_LINE, STRICT, FIRST_LINE + NO_BRACES, STRICT + NO_BRACES),
    case_of=case_of,
    judge=judge,
)
