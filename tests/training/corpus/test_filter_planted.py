"""Recall and precision of each filter on the planted set, printed; `pytest -s` shows them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from midfill_context.syntax.grammars import parse
from midfill_training.corpus.filters import FILTERS
from midfill_training.corpus.filters.comments import CommentFilter, CommentSettings
from midfill_training.corpus.filters.decontamination import DecontaminationSettings, decontamination_filter
from midfill_training.corpus.verdict import Filter, Verdict
from training.corpus.planted import Planted, benchmark_cases, leaks, planted


def is_found(each: Planted, verdict: Verdict) -> bool:
    if verdict.file is None:
        return True
    return verdict.file != each.file and not any(text in verdict.file.text for text in each.gone)


def rates(name: str, judge: Filter, cases: list[Planted]) -> tuple[float, float]:
    """Recall and precision; each file is a project of its own."""
    verdicts = [next(iter(judge([each.file]))) for each in cases]
    found = [is_found(each, verdict) for each, verdict in zip(cases, verdicts, strict=True)]
    for each, verdict, hit in zip(cases, verdicts, found, strict=True):
        if hit != each.found:
            print(f"\n--- {name}: {'wrongly found' if hit else 'missed'} ({verdict.reason})\n{each.file.text[:600]}")
        assert verdict.file is None or all(text in verdict.file.text for text in each.stays), verdict
    true = sum(hit and each.found for each, hit in zip(cases, found, strict=True))
    recall, precision = true / sum(each.found for each in cases), true / sum(found)
    print(f"\n{name}: {len(cases)} files, recall {recall:.1%}, precision {precision:.1%}")
    return recall, precision


@pytest.mark.parametrize(
    ("stage", "least_recall", "least_precision"),
    [
        pytest.param("generated", 1, 1, id="generated"),
        pytest.param("sensitive", 1, 1, id="sensitive"),
        pytest.param("syntax", 0.9, 1, id="syntax"),
        pytest.param("analysis", 1, 1, id="analysis"),
    ],
)
def test_the_planted_set_is_found(stage: str, least_recall: float, least_precision: float) -> None:
    kind = FILTERS[stage]
    recall, precision = rates(stage, kind.build(kind.settings()), planted(stage))
    assert recall >= least_recall
    assert precision >= least_precision


def test_commented_out_code_is_found() -> None:
    recall, precision = rates("comments", CommentFilter(CommentSettings(share=1)), planted("comments"))
    assert recall >= 0.95
    assert precision == 1


def test_leaks_of_a_benchmark_are_found(tmp_path: Path) -> None:
    cases = benchmark_cases(Random(1), 90)
    bench = tmp_path / "sums.jsonl"
    bench.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    judge = decontamination_filter(DecontaminationSettings(benchmarks=(str(bench),)))
    recall, precision = rates("decontamination", judge, leaks(cases, Random(2)))
    assert recall >= 0.97
    assert precision == 1


@pytest.mark.parametrize("stage", ["sensitive", "comments"])
def test_what_parsed_before_a_change_parses_after_it(stage: str) -> None:
    kind = FILTERS[stage]
    judge = kind.build(kind.settings())
    for each in planted(stage):
        tree = parse(each.file.language, each.file.text.encode())
        verdict = next(iter(judge([each.file])))
        assert tree is not None
        assert verdict.file is not None
        assert not tree.root_node.has_error, each.file.text
        changed = parse(each.file.language, verdict.file.text.encode())
        assert changed is not None
        assert not changed.root_node.has_error, verdict.file.text


def test_the_set_is_the_same_each_time() -> None:
    assert planted("sensitive") == planted("sensitive")
    assert planted("sensitive", seed=1) != planted("sensitive", seed=2)
