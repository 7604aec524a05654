"""Answers on the disk and the engine that gives them: whatever dies, nothing is lost and nothing is there twice."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_model.engine import Completion, CompletionRequest, EngineState, EngineStatus, StopReason, Timings
from midfill_model.errors import EngineError
from midfill_training.errors import BadInput, OutputError
from midfill_training.evaluation.answering import ENDS, MAX_TRIES, answer_cases
from midfill_training.evaluation.cases import Case, read_cases
from midfill_training.evaluation.results import Answer, Origin, Results, read_results
from midfill_training.evaluation.runs import Run, plan_runs
from midfill_training.evaluation.suites.santacoder_fim import SUITE

DATA = Path(__file__).parent / "data" / "santacoder-fim.jsonl"
CASES = read_cases(DATA, SUITE.fields, SUITE.case_of)
RUNS = plan_runs(SUITE, CASES, has_fim=True, raw=True, baseline=True)
ORIGIN = Origin("santacoder-fim", "d" * 64, "tiny", "a" * 64, "midfill", 64, 1024)


class Moody:
    """An engine that answers with the length of the prompt, except where its moods say otherwise."""

    def __init__(self, *moods: StopReason) -> None:
        self.status = EngineStatus(EngineState.READY, "moody")
        self.requests: list[CompletionRequest] = []
        self.is_closed = False
        self._moods = iter(moods)

    def wait_until_loaded(self, timeout_s: float | None = None) -> EngineStatus:
        return self.status

    def submit(self, request: CompletionRequest) -> Future[Completion]:
        self.requests.append(request)
        reason = next(self._moods, StopReason.END_OF_TEXT)
        if reason is StopReason.CANCELLED:
            raise KeyboardInterrupt
        future: Future[Completion] = Future()
        text = "" if reason is StopReason.ENGINE_FAILED else f"\n{len(request.cursor.prefix)}"
        future.set_result(Completion(text, reason, Timings(10, 4, 3, 1.5, 2.5)))
        return future

    def close(self) -> None:
        self.is_closed = True


def answer(path: Path, engine: Moody, cases: list[Case] = CASES, runs: list[Run] = RUNS) -> list[Answer]:
    with Results(path, ORIGIN) as results:
        answer_cases(SUITE, cases, runs, results, 64, lambda is_baseline: engine)
        return results.of([case.id for case in cases], [run.name for run in runs])


def test_every_case_is_asked_in_every_run(tmp_path: Path) -> None:
    engine = Moody()
    answers = answer(tmp_path / "a.jsonl", engine)
    assert [run.name for run in RUNS] == ["served", "raw", "prefix-only served", "prefix-only raw"]
    assert len(engine.requests) == len(answers) == len(CASES) * len(RUNS)
    assert engine.is_closed
    first = answers[0]
    assert (first.case, first.run, first.group, first.stop_reason) == (
        "py/shop_1_total.json-L4",
        "served",
        "py",
        "end_of_text",
    )
    assert (first.n_tokens, first.prompt_ms, first.decode_ms, first.n_chars) == (3, 1.5, 2.5, 2)
    assert first.scores[ENDS] == 1


def test_run_again_nothing_is_asked(tmp_path: Path) -> None:
    answers = answer(tmp_path / "a.jsonl", Moody())
    again = Moody()
    assert answer(tmp_path / "a.jsonl", again) == answers
    assert not again.requests
    assert not again.is_closed, "nor opened"


def test_more_cases_and_runs_only_add(tmp_path: Path) -> None:
    answer(tmp_path / "a.jsonl", Moody(), CASES[:2], RUNS[:1])
    engine = Moody()
    answers = answer(tmp_path / "a.jsonl", engine)
    assert len(engine.requests) == len(answers) - 2


@pytest.mark.parametrize("n_answered", [0, 1, 5, 23])
def test_interrupted_it_goes_on(tmp_path: Path, n_answered: int) -> None:
    engine = Moody(*[StopReason.END_OF_TEXT] * n_answered, StopReason.CANCELLED)
    with pytest.raises(KeyboardInterrupt):
        answer(tmp_path / "a.jsonl", engine)
    assert engine.is_closed
    again = Moody()
    assert answer(tmp_path / "a.jsonl", again) == answer(tmp_path / "b.jsonl", Moody())
    assert len(again.requests) == len(CASES) * len(RUNS) - n_answered


def test_a_last_line_cut_anywhere_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = answer(path, Moody(), CASES[:2], RUNS[:1])
    data = path.read_bytes()
    for n_bytes in range(0, len(data), 7):
        path.write_bytes(data[:n_bytes])
        assert answer(path, Moody(), CASES[:2], RUNS[:1]) == whole
        assert path.read_bytes() == data


def test_a_worker_that_dies_is_tried_again(tmp_path: Path) -> None:
    answers = answer(tmp_path / "a.jsonl", Moody(StopReason.ENGINE_FAILED, StopReason.LOADING))
    assert len(answers) == len(CASES) * len(RUNS)
    assert {each.stop_reason for each in answers} == {"end_of_text"}


def test_a_worker_that_keeps_dying_stops_the_run_and_keeps_the_answers(tmp_path: Path) -> None:
    engine = Moody(*[StopReason.END_OF_TEXT] * 4, *[StopReason.ENGINE_FAILED] * MAX_TRIES)
    with pytest.raises(EngineError, match="run again to go on"):
        answer(tmp_path / "a.jsonl", engine)
    assert len(read_results(tmp_path / "a.jsonl")[1]) == 4


def test_an_engine_in_error_says_why(tmp_path: Path) -> None:
    engine = Moody()
    engine.status = EngineStatus(EngineState.ERROR, "moody", "not enough memory")
    with pytest.raises(EngineError, match="not enough memory"):
        answer(tmp_path / "a.jsonl", engine)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"model_sha256": "b" * 64, "model": "other"}, "another model"),
        ({"data_sha256": "b" * 64}, "another data file"),
        ({"suite": "safim"}, "another suite"),
        ({"max_tokens": 65}, "another max tokens"),
        ({"lora_sha256": "b" * 64}, "another adapter"),
        ({"prompt_format": "fim"}, "another prompt format"),
    ],
)
def test_answers_of_another_origin_are_left_alone(tmp_path: Path, change: dict[str, object], what: str) -> None:
    path = tmp_path / "a.jsonl"
    answer(path, Moody(), CASES[:1], RUNS[:1])
    before = path.read_bytes()
    with pytest.raises(BadInput, match=f"holds answers of tiny to santacoder-fim with {what}; name another file"):
        Results(path, replace(ORIGIN, **change))  # type: ignore[arg-type]
    assert path.read_bytes() == before


def test_another_name_of_the_same_model_is_no_matter(tmp_path: Path) -> None:
    answer(tmp_path / "a.jsonl", Moody(), CASES[:1], RUNS[:1])
    with Results(tmp_path / "a.jsonl", replace(ORIGIN, model="same by another name")) as results:
        assert (CASES[0].id, "served") in results


@pytest.mark.parametrize(
    "content", ["a letter\nto somebody\n", "a letter", '{"name": 1}\n', "[1]\n", '{"origin": 1}\n', b"\xff\n"]
)
def test_other_peoples_files_are_left_alone(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    with pytest.raises(BadInput, match="holds no answers of `midfill-train evaluate`"):
        Results(path, ORIGIN)
    assert path.read_bytes() == before


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    answer(path, Moody())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "half a line\n", *lines[3:]]))
    with pytest.raises(BadInput, match="holds no answers"):
        answer(path, Moody())


def test_what_is_no_file_of_answers(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(BadInput, match="is no file"):
            Results(path, ORIGIN)
    with pytest.raises(OutputError, match="cannot be written"):
        Results(tmp_path / "nowhere" / "a.jsonl", ORIGIN)


def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that was written in part is taken back by the next run."""
    path = tmp_path / "a.jsonl"
    with Results(path, ORIGIN) as results:
        raw = results._file

        class Full:
            n_left = 500

            def write(self, data: bytes) -> int:
                n_written = raw.write(data[: self.n_left])
                self.n_left -= n_written
                return n_written

            def close(self) -> None:
                raw.close()

        monkeypatch.setattr(results, "_file", Full())
        with pytest.raises(OutputError, match="1 answers are kept, make room and run again to go on"):
            answer_cases(SUITE, CASES, RUNS, results, 64, lambda is_baseline: Moody())
    assert not path.read_bytes().endswith(b"\n")
    again = Moody()
    assert len(answer(path, again)) == len(CASES) * len(RUNS)
    assert len(again.requests) == len(CASES) * len(RUNS) - 1


def test_odd_text_comes_back_as_it_was(tmp_path: Path) -> None:
    text = 'naïve "🙂"\u2028\x0c\r\n\ttab'
    odd = Answer("c", "served", "g", "k", text, "line", 1, 1, 1, 1.0, 1.0, {})
    with Results(tmp_path / "a.jsonl", ORIGIN) as results:
        results.add(odd)
    assert read_results(tmp_path / "a.jsonl") == (ORIGIN, [odd])
    assert len((tmp_path / "a.jsonl").read_bytes().split(b"\n")) == 3
    assert json.loads((tmp_path / "a.jsonl").read_bytes().split(b"\n")[1])["text"] == text
