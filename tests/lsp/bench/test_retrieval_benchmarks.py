"""The benchmarks of retrieval run on small projects with the real model, and their figures hang together."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from midfill_lsp.bench.context import crosscodeeval, likelihood, retrieval_quality
from midfill_lsp.bench.context.contest import BESIDE, BM25, OURS

MAX_TOKENS = 300


def ignore(message: str) -> None:
    pass


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A file in which two functions of another one are called, and much else."""
    folder = tmp_path / "project"
    (folder / "far/away").mkdir(parents=True)
    for package in ("far", "far/away"):
        (folder / package / "__init__.py").touch()
    (folder / "far/away/goods.py").write_text(
        "def price_of(apple: str, weight_kg: float, *, discount: float = 0.0) -> float:\n"
        "    return weight_kg * (1 - discount)\n\n\nclass Basket:\n    def put(self, item: str) -> None: ...\n"
    )
    (folder / "app").mkdir()
    (folder / "app/main.py").write_text(
        "from far.away.goods import Basket, price_of\n\nbasket = Basket()\n"
        'print(price_of("apple", weight_kg=2.0, discount=0.1))\n'
    )
    for number in range(12):
        (folder / f"app/other{number}.py").write_text(f"def other{number}():\n    print('apple', {number})\n" * 20)
    return folder


def test_retrieval_quality(project: Path, smollm2: Path) -> None:
    result = retrieval_quality.run([project], 10, MAX_TOKENS, ignore, str(smollm2))
    shares = {(share.project, share.is_before_call, share.method): share for share in result.shares}
    assert {method for _, _, method in shares} == {OURS, BM25, BESIDE}
    for is_before_call in (False, True):
        ours, beside = (shares["project", is_before_call, method] for method in (OURS, BESIDE))
        assert (ours.found.mean, ours.found.n) == (1.0, 2)
        assert beside.found.mean == 0.0, "the defining file is not among the ten"
    assert all(0 < share.mean_tokens <= MAX_TOKENS for share in result.shares if share.method != BESIDE)
    assert result.missed == ()
    assert "| project | the called name | midfill | 100.0 % [100.0, 100.0], n = 2 |" in retrieval_quality.render(result)
    assert json.loads(json.dumps(asdict(result)))["max_tokens"] == MAX_TOKENS


def test_what_is_no_project(tmp_path: Path, smollm2: Path) -> None:
    (tmp_path / "a.py").write_text("print(1)\n")
    with pytest.raises(ValueError, match="no calls of what another file defines"):
        retrieval_quality.run([tmp_path], 10, MAX_TOKENS, ignore, str(smollm2))


def test_likelihood(project: Path, smollm2: Path) -> None:
    result = likelihood.run([project], 2, 400, MAX_TOKENS, ignore, str(smollm2))
    ours, bm25, none = result.methods
    assert [found.method for found in result.methods] == [OURS, BM25, likelihood.NONE]
    assert none.mean_snippet_tokens == 0 < ours.mean_snippet_tokens <= MAX_TOKENS
    assert ours.mean_prompt_tokens <= 400
    assert none.gain.mean == pytest.approx(ours.line.mean - none.line.mean, abs=1e-3)
    assert none.gain.mean > 0, "the names of the parameters stand nowhere else"
    assert bm25.line.n == 2
    assert f"| {likelihood.NONE} |" in likelihood.render(result)


def case(truth: str, chunks: list[tuple[str, str]]) -> str:
    found = [{"filename": path, "retrieved_chunk": text} for path, text in chunks]
    return json.dumps(
        {
            "prompt": "import shop\n\nbasket = shop.Basket()\nbasket.",
            "right_context": "\nprint(basket)\n",
            "groundtruth": truth,
            "metadata": {"repository": "r", "file": "main.py"},
            "crossfile_context": {"list": found},
        }
    )


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    useless = "\n".join(f"unrelated_{n} = compute({n})" for n in range(30))
    useful = "class Basket:\n    def put(self, item): ...\n    def take(self, item): ...\n"
    path = tmp_path / "cases.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write(case("put(item)", [("junk.py", useless), ("junk.py", useless + "\n"), ("shop.py", useful)]) + "\n")
        file.write(case("(1)", [("shop.py", useful)]) + "\n")
    return path


def test_crosscodeeval(cases: Path, smollm2: Path) -> None:
    narrow, narrow_new, wide, _ = crosscodeeval.run(cases, [250, 2000], ignore, str(smollm2))
    assert narrow.given.n == 1, "a text without identifiers tells nothing"
    assert (narrow.given.mean, narrow.ours.mean) == (0.0, 1.0)
    assert (wide.given.mean, wide.ours.mean) == (1.0, 1.0)
    assert narrow.gain.mean == 1.0
    assert narrow_new.is_new
    assert narrow_new.ours.mean == 1.0
    assert "| 250 | not in the file, n = 1 |" in crosscodeeval.render([narrow_new])


@pytest.mark.parametrize("line", ["{}", "[1]"])
def test_other_data(tmp_path: Path, smollm2: Path, line: str) -> None:
    with gzip.open(tmp_path / "x.gz", "wt") as file:
        file.write(line)
    with pytest.raises(ValueError, match="CrossCodeEval"):
        crosscodeeval.run(tmp_path / "x.gz", [100], ignore, str(smollm2))
