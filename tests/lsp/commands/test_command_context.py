"""`midfill context`: what it prints for real places in a real workspace."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from midfill_lsp.bench.context import retrieval_speed
from midfill_lsp.commands import context
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL


@pytest.fixture(autouse=True)
def installed(smollm2: Path) -> None:
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    path.symlink_to(smollm2)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {
        ".gitignore": "ignored.py\n",
        "till.py": 'class Till:\n    """Counts."""\n\n    def count(self, n: int) -> int:\n        return n + 1\n',
        "main.py": "from till import Till\n\nmine = Till()\nmine.\n",
        "ignored.py": "from till import Till\n\nmine = Till()\nmine.\n",
    }
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    return tmp_path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    context.add_parser(parser.add_subparsers())
    args = parser.parse_args(["context", *words])
    code: int = args.run(args)
    return code


def test_for_people(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{workspace}/main.py:4", "--workspace", str(workspace)) == 0
    head, *code, _, total = capsys.readouterr().out.splitlines()
    assert head.startswith("── till.py:1-5 · similar code · score 0.0")
    assert code[0] == "class Till:"
    assert code[-1] == "        return n + 1"
    assert total.startswith("1 snippets, ")


def test_for_programs(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{workspace}/main.py:4:6", "--workspace", str(workspace), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in found["snippets"]] == ["till.py"]
    assert found["n_tokens"] == found["snippets"][0]["n_tokens"] > 0
    assert found["elapsed_ms"] > 0


def test_an_ignored_file_in_which_the_user_asks(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{workspace}/ignored.py:3:5", "--workspace", str(workspace), "--json") == 0
    assert "snippets" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("place", ["nowhere.py:1", "main.py:99"])
def test_no_such_place(workspace: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{workspace}/{place}") == 1
    assert capsys.readouterr().err.startswith("midfill: ")


def test_the_speed_benchmark() -> None:
    (found,) = retrieval_speed.run(2, lambda message: None, sizes=[60])
    assert found.n_files == 60
    assert found.n_requests > 20
    assert found.first_p99_ms > 0
    assert found.mean_tokens > 100
    assert "| 60 | " in retrieval_speed.render([found])
