"""SAFIM: blocks and control-flow expressions judged by the problem's inputs and outputs, API calls by their text.

Each metric is given twice: for the answer as it is, and cut by the set's syntax-aware rules. Programs run with what is
installed here (CPython for the set's PyPy); cases in a language that cannot be run here get no score for pass@1.
"""

from __future__ import annotations

import ast
import json
import re

from midfill_context.cursor import Cursor
from midfill_training.evaluation.cases import Case, Row
from midfill_training.evaluation.programs import can_run, outputs
from midfill_training.evaluation.suite import Scores, Suite
from midfill_training.evaluation.suites.safim_cuts import cut

HOLE = "{{completion}}"
FILES = {"python": "main.py", "java": "Main.java", "cpp": "main.cpp", "csharp": "Main.cs"}
PASS, CUT = "pass@1", "pass@1, cut"


def case_of(row: Row) -> Case:
    """The kind is the head of the task's id: `block_completion_000001`. Tests may be JSON in a string."""
    kind, _, problem = row["task_id"].partition("_")
    if kind not in ("block", "control", "api"):
        raise ValueError(f"the task {row['task_id']} is neither block, control nor api")
    prefix, suffix = row["eval_prompt"].split(HOLE)
    tests = row.get("unit_tests") or []
    return Case(
        id=row["task_id"],
        group=f"{kind}, {row['lang']}",
        cluster=problem,
        cursor=Cursor(FILES[row["lang"]], row["lang"], _newlines(prefix), _newlines(suffix)),
        reference=_newlines(row["ground_truth"]),
        details={"kind": kind, "tests": json.loads(tests) if isinstance(tests, str) else tests},
    )


def judge(case: Case, answer: str) -> Scores:
    """pass@1 as it is and cut."""
    short = cut(case.details["kind"], case.cursor, answer)
    right = {text: _is_right(case, text) for text in dict.fromkeys((answer, short))}
    found = {PASS: right[answer], CUT: right[short]}
    return {name: float(is_right) for name, is_right in found.items() if is_right is not None}


def _is_right(case: Case, answer: str) -> bool | None:
    """Whether the answer passes; None where that cannot be found out on this machine."""
    cursor, tests = case.cursor, case.details["tests"]
    if not tests:
        return is_same_call(cursor.language, answer, case.reference)
    if not can_run(cursor.language):
        return None
    if answer == case.reference:
        return True
    written = outputs(cursor.language, cursor.prefix + answer + cursor.suffix, [test["input"] for test in tests])
    return all(_is_output(each, test["output"]) for each, test in zip(written, tests, strict=True))


def is_same_call(language: str, one: str, other: str) -> bool:
    """Equal but for white space; in Python calls whose arguments are the same trees, keywords in any order."""
    one, other = (re.sub(r"\s+", "", text) for text in (one, other))
    if language == "python":
        try:
            calls = [ast.parse(text, mode="eval").body for text in (one, other)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return one == other
        if all(isinstance(call, ast.Call) for call in calls):
            return _arguments(calls[0]) == _arguments(calls[1])
    return one == other


def _arguments(call: ast.expr) -> tuple[str, list[str], dict[str | None, str]]:
    assert isinstance(call, ast.Call)
    keywords = {keyword.arg: ast.dump(keyword.value) for keyword in call.keywords}
    return ast.dump(call.func), [ast.dump(argument) for argument in call.args], keywords


def _is_output(written: str | None, wanted: list[str]) -> bool:
    """Whether a program wrote one of the outputs; blanks at line ends and around the whole do not count."""
    return written is not None and _trimmed(written) in [_trimmed(each) for each in wanted]


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in _newlines(text).strip().split("\n")]


def _newlines(text: str) -> str:
    """Many of the set's files have CRLF; prompts have not."""
    return text.replace("\r\n", "\n")


SUITE = Suite(
    name="safim",
    fields=("task_id", "lang", "eval_prompt", "ground_truth"),
    max_tokens=256,
    metrics=(PASS, CUT),
    case_of=case_of,
    judge=judge,
)
