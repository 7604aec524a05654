"""The benchmarks of endings run with the real model, go on where they were interrupted, and their figures agree."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_lsp.bench.completions import endings, validity
from midfill_lsp.bench.completions.cursors import CutOut, Kind
from midfill_lsp.bench.completions.raw_completions import RawCompletion, Writer, ending_at
from midfill_model.engine import Ending, StopReason

SOURCE = '''"""Shapes and their areas."""

import math


def square(side):
    area = side * side
    return area


def circle(radius):
    # the area of a circle
    area = math.pi * radius * radius
    return area
'''
N_CURSORS, N_PROMPT_TOKENS, MAX_TOKENS = 9, 128, 16


def ignore(message: str) -> None:
    pass


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "shapes.py").write_text(SOURCE)
    return folder


def test_validity(project: Path, tmp_path: Path, smollm2: Path) -> None:
    kept = tmp_path / "kept.jsonl"

    def run(n_cursors: int) -> validity.ValidityResult:
        return validity.run([project], n_cursors, ignore, str(smollm2), N_PROMPT_TOKENS, MAX_TOKENS, kept)

    first = run(N_CURSORS)
    assert first.provenance.n_checked == first.provenance.n_alike == 2
    overall = {share.ending: share for share in first.shares if not share.part}
    assert list(overall) == [validity.STRUCTURE, validity.UNCUT, validity.LINE, validity.RAW]
    assert overall[validity.STRUCTURE].answered.n == N_CURSORS
    assert overall[validity.STRUCTURE].n_errors == overall[validity.STRUCTURE].n_refused == 0 == len(first.faults)
    assert overall[validity.RAW].n_errors > 0, "with so few tokens it ends anywhere"
    exact = {name: share.exact.mean for name, share in overall.items()}
    assert first.gain.mean == pytest.approx(exact[validity.STRUCTURE] - exact[validity.LINE], abs=1e-3)
    answered = [gate.answered.mean for gate in first.gates]
    assert answered == sorted(answered), "the surer it must be, the less is said"
    assert answered[-1] + first.gates[-1].n_hidden / N_CURSORS == pytest.approx(
        overall[validity.STRUCTURE].answered.mean, abs=1e-3
    )
    assert "| structured stop |" in validity.render(first)
    assert json.loads(json.dumps(asdict(first)))["n_files"] == 1

    whole = kept.read_bytes()
    *lines, last = whole.splitlines(keepends=True)
    kept.write_bytes(b"".join(lines) + last[: len(last) // 2])
    again = run(N_CURSORS)
    assert kept.read_bytes() == whole, "only what was cut short is written anew"
    assert again.provenance.n_checked == 1
    assert replace(again, provenance=first.provenance) == first


def test_another_file_of_results(project: Path, tmp_path: Path, smollm2: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    for text in ("[1]\n", "a letter", "{}"):
        kept.write_text(text)
        with pytest.raises(ValueError, match="holds no raw completions"):
            Writer(str(smollm2), N_PROMPT_TOKENS, MAX_TOKENS, kept)
        assert kept.read_text() == text, "what is no file of ours stays as it is"
    kept.write_text("")
    with Writer(str(smollm2), N_PROMPT_TOKENS, MAX_TOKENS, kept):
        pass
    with pytest.raises(ValueError, match="another file"):
        validity.run([project], 1, ignore, str(smollm2), N_PROMPT_TOKENS, MAX_TOKENS + 1, kept)


@pytest.mark.parametrize(
    ("ending", "logprob", "text", "reason"),
    [
        (Ending.LINE, -0.5, "\n    y = 2", StopReason.LINE),
        (Ending.RAW, -0.5, "\n    y = 2\n    z = 3\n", StopReason.END_OF_TEXT),
        (Ending.STRUCTURE, -0.1, "\n    y = 2", StopReason.STRUCTURE),
        (Ending.STRUCTURE, -0.5, "", StopReason.UNSURE),
    ],
)
def test_endings_hear_a_raw_completion_token_by_token(
    ending: Ending, logprob: float, text: str, reason: StopReason
) -> None:
    tokens = ["\n   ", " y", " =", " 2", "\n", "    z", " = 3", "\n"]
    ends = tuple(len("".join(tokens[: n + 1])) for n in range(len(tokens)))
    raw = RawCompletion("".join(tokens), ends, (logprob,) * len(tokens), StopReason.END_OF_TEXT)
    cursor = Cursor("a.py", "python", "def f():\n    x = 1", "\n\n\nf()\n")
    ended = raw.completion(ending_at(cursor, ending))
    assert (ended.text, ended.stop_reason) == (text, reason)


def test_faults_are_seen() -> None:
    """What adds an error, and what only CPython finds wrong."""
    cut_out = CutOut(Kind.STATEMENT, Cursor("a.py", "python", "def f():\n    y = 1\n    ", "\n"), "pass", "p/a.py")
    for text, adds_error, is_refused in (("x = (", True, True), ("f(a=1, 2)", False, True), ("x = 1", False, False)):
        raw = RawCompletion(text, (len(text),), (-0.1,), StopReason.END_OF_TEXT)
        answer = next(each for each in validity.judged(cut_out, raw) if each.ending == validity.RAW)
        assert (answer.adds_error, answer.is_refused, answer.is_exact) == (adds_error, is_refused, False)


def scenario(kind: str, before: str, text: str, after: str) -> str:
    return json.dumps(
        {
            "task_id": f"python/{kind}/1",
            "task_type": kind,
            "pre_mask_code": before,
            "post_mask_code": after,
            "canonical_solution": text,
            "language": "python",
            "path": "shapes.py",
        }
    )


def test_endings(tmp_path: Path, smollm2: Path) -> None:
    lines, scenarios = tmp_path / "lines.jsonl.gz", tmp_path / "scenarios.jsonl"
    before, after = SOURCE.split("    area = side * side\n")
    row = {"name": "a-L1", "language": "py", "prompt": before.rstrip("\n"), "suffix": after}
    with gzip.open(lines, "wt") as file:
        file.write(json.dumps({**row, "canonical_solution": "    area = side * side"}) + "\n")
    scenarios.write_text(
        scenario("empty", before + "    area = side * side", "", "\n" + after)
        + "\n"
        + scenario("single_line", before + "    ", "area = side * side", "\n" + after)
        + "\n"
    )
    result = endings.run([lines, scenarios], 1, ignore, str(smollm2), N_PROMPT_TOKENS, MAX_TOKENS)
    groups = {(found.group, found.ending): found for found in result.groups}
    assert {group for group, _ in groups} == {"one line, Python", "empty", "single line", "all single lines"}
    assert all(found.exact.n == 1 + (group == "all single lines") for (group, _), found in groups.items())
    assert groups["empty", "structured stop"].ratio is None
    structured = groups["single line", "structured stop"]
    assert groups["single line", endings.SURE] == replace(structured, ending=endings.SURE), "a file has no threshold"
    assert structured.ratio == pytest.approx(structured.mean_chars / len("area = side * side"), abs=1e-3)
    assert structured.mean_chars <= groups["single line", "raw end-of-text"].mean_chars
    assert "| empty | line mode |" in endings.render(result)


@pytest.mark.parametrize("line", ["{}", "[1]", '{"task_type": "empty"}', "x"])
def test_other_data(tmp_path: Path, smollm2: Path, line: str) -> None:
    (tmp_path / "data.jsonl").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"SantaCoder-FIM or FIM-Eval"):
        endings.run([tmp_path / "data.jsonl"], None, ignore, str(smollm2))
