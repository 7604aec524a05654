"""Analysers: ruff for real; eslint and cppcheck for real where they are installed, else as absent."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.analysis import AnalysisFilter, AnalysisSettings, analysers
from midfill_training.corpus.verdict import Verdict
from midfill_training.errors import BadInput, OutputError

BAD_INIT = "class A:\n    def __init__(self):\n        return 1\n"
BAD_JS = "const a = 1;\na = 2;\n"
BAD_C = "#include <stdlib.h>\nint f(void) {\n    int a[3];\n    a[3] = 1;\n    return a[3];\n}\n"


def judged(files: list[tuple[str, str, str]], **settings: object) -> list[Verdict]:
    sources = [SourceFile("project", path, language, text) for path, language, text in files]
    return list(AnalysisFilter(AnalysisSettings(**settings))(sources))  # type: ignore[arg-type]


def put_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_one_run_judges_a_project_and_paths_do_not_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    verdicts = judged(
        [
            ("../../outside.py", "python", "a = 1\n"),
            ("a/b.py", "python", BAD_INIT),
            ("notes.md", "markdown", "# Notes\n"),
            ("a/c.py", "python", "def f(a=[]):\n    assert a\n    assert not a\n"),
            ("a/d.py", "python", "def f(:\n"),
        ]
    )
    assert [verdict.file is None for verdict in verdicts] == [False, True, False, False, False]
    assert verdicts[1].reason.startswith("ruff PLE0101: return of a value in __init__")
    assert verdicts[3].findings == {"ruff B006": 1, "ruff S101": 2}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "language", "text", "rule"),
    [("a.js", "javascript", BAD_JS, "eslint no-const-assign"), ("a.c", "c", BAD_C, "cppcheck arrayIndexOutOfBounds")],
)
def test_other_analysers_run_where_they_are_installed(path: str, language: str, text: str, rule: str) -> None:
    name = rule.partition(" ")[0]
    bad, second = judged([(path, language, text), (f"b{path}", language, "")])
    if analysers()[name].executable():
        assert bad.file is None
        assert rule in bad.findings
    else:
        assert bad.file is not None
        assert bad.findings == {f"{name}: not installed": 1}
    assert second.findings == {}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("sleep 20", "stopped after 0.5 s", id="too long"),
        pytest.param("echo no JSON", "failed", id="another output"),
        pytest.param("kill -9 $$", "failed", id="killed"),
        pytest.param("echo '[{\"filePath\": 1}]'", "failed", id="another shape"),
    ],
)
def test_an_analyser_that_fails_drops_nothing(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(tmp_path, "eslint", f"exec {script}" if script.startswith("sleep") else script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    [verdict] = judged([("a.js", "javascript", BAD_JS)], timeout_s=0.5)
    assert verdict.file is not None
    assert verdict.findings == {f"eslint: {said}": 1}


def test_what_eslint_and_cppcheck_print_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fatal = '{"ruleId": null, "fatal": true, "message": "Parsing error"}'
    rules = '{"ruleId": "no-const-assign"}, {"ruleId": "no-empty"}'
    put_program(tmp_path, "eslint", f"""echo '[{{"filePath": "'$PWD'/0.js", "messages": [{fatal}, {rules}]}}]'""")
    put_program(tmp_path, "cppcheck", "printf '0.cpp\\tmemleak\\tMemory leak: p\\nnofile\\tinternal\\t\\nnoise\\n' >&2")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    script, c = judged([("a.js", "javascript", BAD_JS), ("a.c", "c", BAD_C)])
    assert script.findings == {"eslint no-const-assign": 1, "eslint no-empty": 1}
    assert c.findings == {"cppcheck memleak": 1}
    assert script.file is c.file is None


def test_no_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left on device; make space there, or set TMPDIR"):
        judged([("a.py", "python", "a = 1\n")])


def test_an_unknown_analyser_is_told() -> None:
    with pytest.raises(BadInput, match="'lint'; there are ruff, eslint, cppcheck"):
        AnalysisFilter(AnalysisSettings(analysers=("lint",)))


def test_every_high_risk_rule_says_why() -> None:
    for analyser in analysers().values():
        assert all(reason and not reason.endswith(".") for reason in analyser.high_risk.values())
